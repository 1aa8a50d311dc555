-- expect: success
-- attacks: more bytes than the stack can take must be refused
local s = string.rep("x", 1e6)
assert(not pcall(string.byte, s, 1, -1))
assert(not pcall(string.byte, s, -2 ^ 31, 2 ^ 31 - 1))
assert(select("#", string.byte(s, 1, 5000)) == 5000)
