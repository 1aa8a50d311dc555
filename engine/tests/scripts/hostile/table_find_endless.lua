-- expect: timeout
-- attacks: searching a large table for what it has not
local t = table.create(1e6, 1)
while true do table.find(t, 2) end
