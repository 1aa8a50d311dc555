-- lua: 5.1 | differs: print shows up to 17 digits of a number, enough to read it back; Lua 5.1 shows 14
-- uses: division and sums of fractions, printed as they are
-- instead: string.format("%.14g", n), or as many places as are meant
local ratings = { 5, 4, 4 }
local sum = 0
for _, rating in ipairs(ratings) do sum = sum + rating end
print("average", sum / #ratings)
print("total", 0.1 + 0.2)
print("share", 2 / 3 * 100 .. " %")

-- prints:
--> average	4.3333333333333
--> total	0.3
--> share	66.666666666667 %

-- prints here:
--> average	4.333333333333333
--> total	0.30000000000000004
--> share	66.66666666666666 %
