-- expect: success
-- attacks: inserting behind the largest integer key
local t = { [2147483647] = true }
for i = 1, 1000 do t[i] = true end
table.insert(t, true)
t[2147483648] = true
table.insert(t, 2147483647, "x")
