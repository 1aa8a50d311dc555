-- expect: timeout|memory_limit
-- attacks: json.encode compares names that are not UTF-8, of a table with as many as there is room for
local t = {}
for i = 1, 100000 do t["\255\254" .. i] = i end
while true do json.encode(t) end
