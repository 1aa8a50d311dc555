-- expect: timeout|memory_limit
-- attacks: gsub of the empty pattern over megabytes, each turn anew
local s = string.rep("a", 2e6)
while true do
	local _ = string.gsub(s, "", "")
end
