-- expect: success
-- attacks: readstring, writestring, copy and fill past the end must be refused
local b = buffer.create(16)
for _, n in { 17, -1, 2 ^ 31 - 1, -2 ^ 31 } do
	assert(not pcall(buffer.readstring, b, 0, n))
	assert(not pcall(buffer.readstring, b, 10, n))
	assert(not pcall(buffer.writestring, b, 0, "x", n))
	assert(not pcall(buffer.copy, b, 0, b, 1, n))
	assert(not pcall(buffer.fill, b, 1, 0, n))
end
assert(not pcall(buffer.writestring, b, 15, "xy"))
assert(not pcall(buffer.copy, b, 2 ^ 31 - 1, b, 0, 16))
