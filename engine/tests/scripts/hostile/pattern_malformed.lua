-- expect: success
-- attacks: every way to end a pattern too early or refer to nothing
for _, p in { "%", "[", "[^", "[a", "[]", "[a-", "[%", "%b", "%bx", "%f", "%f[", "(", "(()", "%1", "(%1)", "%9", "()%2", "[[:" } do
	assert(not pcall(string.find, "aaaa(b)", p), p)
	assert(not pcall(string.gsub, "aaaa(b)", p, "%1"), p)
end
