-- expect: success
-- attacks: buffer sizes that must be refused
for _, n in { -1, -2 ^ 31, 2 ^ 31 - 1 } do
	assert(not pcall(buffer.create, n), n)
end
for _, n in { 0 / 0, math.huge, -math.huge, 2 ^ 53, 2 ^ 31 } do pcall(buffer.create, n) end
assert(not pcall(buffer.create, "x"))
