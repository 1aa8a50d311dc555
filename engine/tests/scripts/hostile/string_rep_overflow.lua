-- expect: success
-- attacks: counts whose product with the length overflows must be refused
for _, n in { 2 ^ 31 - 1, 2 ^ 30, 2 ^ 29 } do
	for _, s in { "abcd", string.rep("x", 65536), string.rep("y", 1e6) } do
		assert(not pcall(string.rep, s, n))
	end
end
