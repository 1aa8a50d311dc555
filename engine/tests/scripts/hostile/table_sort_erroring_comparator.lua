-- expect: failure
-- attacks: a comparator that raises in the middle
local t = {}
for i = 1, 1000 do t[i] = -i end
local calls = 0
table.sort(t, function(a, b) calls += 1 if calls > 500 then error("enough") end return a < b end)
