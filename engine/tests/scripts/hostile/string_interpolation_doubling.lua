-- expect: memory_limit|timeout
-- attacks: interpolated strings growing tenfold
local s = "x"
while true do s = `{s}{s}{s}{s}{s}{s}{s}{s}{s}{s}` end
