-- expect: success
-- attacks: more code points than the stack can take must be refused
local s = string.rep("a", 1e6)
assert(not pcall(utf8.codepoint, s, 1, -1))
assert(not pcall(utf8.codepoint, s, -2 ^ 31, 2 ^ 31 - 1))
