-- expect: success
-- attacks: formats of a hundred thousand items
assert(not pcall(string.pack, string.rep("i4", 1e5), 1))
assert(#string.pack(string.rep("x", 1e5)) == 1e5)
