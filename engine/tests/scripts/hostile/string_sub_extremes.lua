-- expect: success
-- attacks: string.sub with extreme positions
local s = "hello"
for _, i in { -2 ^ 31, 2 ^ 31 - 1, 0, -6, 6, 0 / 0, math.huge, -math.huge, 2 ^ 53 } do
	for _, j in { -2 ^ 31, 2 ^ 31 - 1, 0, -6, 6, 0 / 0, math.huge, -math.huge, 2 ^ 53 } do
		assert(#string.sub(s, i, j) <= 5)
	end
end
