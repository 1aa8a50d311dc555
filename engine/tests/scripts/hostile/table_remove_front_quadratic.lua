-- expect: timeout
-- attacks: emptying a large table from the front
local t = table.create(8e5, true)
while #t > 0 do table.remove(t, 1) end
