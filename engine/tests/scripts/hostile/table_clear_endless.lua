-- expect: timeout
-- attacks: clearing a table with a large hash part for ever
local t = {}
for i = 1, 1e4 do t["k" .. i] = i end
while true do table.clear(t) t.x = 1 end
