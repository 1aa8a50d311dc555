-- expect: timeout
-- attacks: inserting at the front of an ever longer table
local t = {}
while true do table.insert(t, 1, true) if #t > 5e5 then table.clear(t) end end
