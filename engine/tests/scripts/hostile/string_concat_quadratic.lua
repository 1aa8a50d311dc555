-- expect: timeout
-- attacks: appending one byte at a time for ever
local s = ""
while true do s = s .. "x" end
