-- expect: success
-- attacks: codes outside of a byte
for _, c in { -1, 256, 2 ^ 31, -2 ^ 31, 2 ^ 53, math.huge, -math.huge, 1e308 } do
	assert(not pcall(string.char, c), c)
end
