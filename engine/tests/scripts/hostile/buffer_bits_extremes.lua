-- expect: success
-- attacks: readbits and writebits with counts and offsets outside of the buffer
local b = buffer.create(4)
for _, count in { -1, 33, 64, 2 ^ 31 - 1, -2 ^ 31 } do
	assert(not pcall(buffer.readbits, b, 0, count))
	assert(not pcall(buffer.writebits, b, 0, count, 1))
end
for _, at in { -1, 33, 2 ^ 31, 2 ^ 53, -2 ^ 53 } do
	assert(not pcall(buffer.readbits, b, at, 1))
	assert(not pcall(buffer.writebits, b, at, 32, 1))
end
assert(not pcall(buffer.readbits, b, 1, 32))
