-- expect: memory_limit|timeout
-- attacks: one array growing without end
local t = {}
for i = 1, 1e9 do t[i] = i end
