-- expect: memory_limit|timeout
-- attacks: doubling a string until it no longer fits
local s = "x"
while true do s = s .. s end
