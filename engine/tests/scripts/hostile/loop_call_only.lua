-- expect: timeout
-- attacks: an endless loop in calls of C functions only
local s = "abc"
while true do
	local _ = #string.upper(s) + select("#", s, s) + math.max(1, 2)
end
