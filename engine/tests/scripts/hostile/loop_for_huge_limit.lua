-- expect: timeout
-- attacks: numeric for to infinity
local sum = 0
for i = 1, math.huge do sum += i end
