-- expect: timeout
-- attacks: table.maxn walking a large table for ever
local t = table.create(5e5, 1)
t[2 ^ 40] = true
while true do assert(table.maxn(t) == 2 ^ 40) end
