-- expect: success
-- attacks: a pattern nested deeper than the matcher allows must be refused
local subject = string.rep("a", 3e5)
assert(not pcall(string.find, subject, string.rep("a?", 3e5) .. "b"))
