-- expect: memory_limit|timeout
-- attacks: one table with distinct string keys without end
local t, i = {}, 0
while true do
	i += 1
	t["k" .. i] = i
end
