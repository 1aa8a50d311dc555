-- expect: success
-- attacks: bit32 shifts and fields outside of 32 bits
for _, n in { -33, -1, 32, 33, 64, 2 ^ 31, -2 ^ 31, 2 ^ 53 } do
	for _, f in { bit32.lshift, bit32.rshift, bit32.arshift, bit32.lrotate, bit32.rrotate } do pcall(f, 0xdeadbeef, n) end
	assert(not pcall(bit32.extract, 1, n, 1))
	assert(not pcall(bit32.replace, 1, 1, n, 1))
	assert(n == 32 or not pcall(bit32.extract, 1, 0, n))
end
assert(not pcall(bit32.extract, 1, 31, 2))
