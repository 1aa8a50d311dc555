-- expect: memory_limit|timeout
-- attacks: distinct small strings kept for ever
local keep, i = {}, 0
while true do
	i += 1
	keep[i] = "string number " .. i
end
