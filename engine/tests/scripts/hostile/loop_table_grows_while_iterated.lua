-- expect: timeout|memory_limit|success
-- attacks: generalized iteration over a table that grows at every step
local t = { 1 }
for i in t do
	t[i + 1] = i
end
