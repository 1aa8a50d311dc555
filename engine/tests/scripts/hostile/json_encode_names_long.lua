-- expect: timeout|memory_limit
-- attacks: json.encode compares names of megabytes that are not UTF-8 and nearly the same
local name = string.rep("\255", 500000)
local t = {}
for i = 1, 8 do t[name .. i] = i end
while true do json.encode(t) end
