-- expect: timeout
-- attacks: io.write of 4 MB pieces for ever
local s = string.rep("0123456789abcdef", 2.5e5)
while true do io.write(s) end
