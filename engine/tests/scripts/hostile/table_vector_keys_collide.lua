-- expect: success|timeout
-- attacks: vector keys on a grid
local t = {}
for x = 1, 100 do for y = 1, 100 do t[vector.create(x, y, -x)] = x end end
for x = 1, 100 do for y = 1, 100 do assert(t[vector.create(x, y, -x)] == x) end end
