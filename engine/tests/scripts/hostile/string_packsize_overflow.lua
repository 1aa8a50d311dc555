-- expect: success
-- attacks: packsize whose sum overflows
assert(not pcall(string.packsize, string.rep("c1000000000", 3)))
assert(not pcall(string.packsize, "c99999999999"))
assert(not pcall(string.packsize, "s4"))
assert(not pcall(string.packsize, "z"))
