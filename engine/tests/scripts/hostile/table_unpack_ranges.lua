-- expect: success
-- attacks: unpacking ranges larger than the stack must be refused
for _, range in { { 1, 1e8 }, { -2 ^ 31, 2 ^ 31 - 1 }, { 0, 2 ^ 31 - 1 }, { -1e8, 1 }, { 1, 2 ^ 30 } } do
	assert(not pcall(table.unpack, {}, range[1], range[2]))
	assert(not pcall(unpack, {}, range[1], range[2]))
end
assert(select("#", table.unpack({}, 2147483647, 2147483647)) == 1)
assert(select("#", table.unpack({}, 1, -2147483648)) == 0)
