-- expect: success
-- attacks: unpack with sizes and positions outside of the string
for _, pos in { -2 ^ 31, 2 ^ 31 - 1, -100, 100, 2 ^ 53, -2 ^ 53, math.huge } do
	pcall(string.unpack, "i4", "abcd", pos)
	pcall(string.unpack, "z", "abcd", pos)
end
assert(not pcall(string.unpack, "c1000000000", "x"))
assert(not pcall(string.unpack, "s4", "\255\255\255\255abc"))
assert(not pcall(string.unpack, "s8", "\255\255\255\255\255\255\255\255abc"))
assert(not pcall(string.unpack, "z", "no end"))
