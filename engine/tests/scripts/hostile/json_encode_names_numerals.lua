-- expect: timeout|memory_limit
-- attacks: json.encode looks up the numbers that strings are the text of, of which there are none
local t = {}
for i = 1, 80000 do t[i + 0.5] = i t[tostring(i)] = i end
while true do json.encode(t) end
