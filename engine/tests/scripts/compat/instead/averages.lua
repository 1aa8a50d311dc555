local ratings = { 5, 4, 4 }
local sum = 0
for _, rating in ipairs(ratings) do sum = sum + rating end
print("average", string.format("%.14g", sum / #ratings))
print("total", string.format("%.14g", 0.1 + 0.2))
print("share", string.format("%.14g %%", 2 / 3 * 100))
