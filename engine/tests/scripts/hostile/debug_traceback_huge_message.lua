-- expect: success
-- attacks: debug.traceback with a message of 4 MB
local s = debug.traceback(string.rep("x", 4e6))
assert(#s >= 4e6)
