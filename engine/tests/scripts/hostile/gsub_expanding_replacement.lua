-- expect: memory_limit|timeout
-- attacks: replacement that multiplies the whole match
local s = string.rep("a", 1000)
while true do
	s = string.gsub(s, "^.*$", "%0%0%0%0%0%0%0%0")
end
