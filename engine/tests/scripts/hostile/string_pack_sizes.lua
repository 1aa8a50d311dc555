-- expect: success
-- attacks: sizes and alignments pack must refuse
for _, f in { "i17", "I0", "i99999999999", "!17", "!3i4", "Xz", "X", "s17", "j2147483648", "c", "y" } do
	assert(not pcall(string.pack, f, 1, 2, 3), f)
end
assert(not pcall(string.pack, "s1", string.rep("x", 256)))
assert(not pcall(string.pack, "z", "a\0b"))
assert(not pcall(string.pack, "c1", "too long"))
assert(not pcall(string.pack, "b", 200))
