-- expect: success
-- attacks: more captures than allowed
assert(not pcall(string.find, string.rep("a", 100), string.rep("(a)", 33)))
assert(not pcall(string.find, "a", string.rep("(", 1e5)))
assert(not pcall(string.find, "a", string.rep("()", 1e5)))
