-- expect: success
-- attacks: math.random with extreme and reversed bounds
local list = { 0, -1, 1, 2 ^ 31 - 1, -2 ^ 31, 2 ^ 31, 2 ^ 53, -2 ^ 53, math.huge, -math.huge, 0 / 0 }
for _, a in list do
	pcall(math.random, a)
	for _, b in list do pcall(math.random, a, b) end
end
assert(not pcall(math.random, 2, 1))
assert(not pcall(math.random, 1, 2, 3))
