-- expect: timeout
-- attacks: short-lived strings of 8 MB for ever
local i = 0
while true do i += 1 local _ = string.rep("x", 8e6 + i % 100) end
