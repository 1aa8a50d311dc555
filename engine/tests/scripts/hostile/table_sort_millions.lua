-- expect: timeout
-- attacks: sorting a million random numbers, again and again
local t = table.create(1e6, 0)
while true do
	for i = 1, 1e6 do t[i] = math.random() end
	table.sort(t)
end
