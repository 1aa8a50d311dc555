-- expect: success
-- attacks: error called with every extreme level
for _, level in { -1, 0, 1, 2, 255, 1e6, 2 ^ 31 - 1, -2 ^ 31, 2 ^ 53, math.huge, -math.huge, 0 / 0 } do
	assert(not pcall(error, "message", level))
end
