-- expect: success
-- attacks: overlapping moves within one table
local t = table.create(1000, 0)
for i = 1, 1000 do t[i] = i end
table.move(t, 1, 999, 2)
assert(t[1000] == 999 and t[1] == 1 and t[2] == 1)
table.move(t, 2, 1000, 1)
assert(t[1] == 1 and t[999] == 999)
table.move(t, 1, 1000, -500)
