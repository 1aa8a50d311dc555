-- expect: timeout
-- attacks: comparing long strings that differ in the last byte
local a = string.rep("x", 4e6) .. "a"
local b = string.rep("x", 4e6) .. "b"
while true do local _ = a < b or a >= b end
