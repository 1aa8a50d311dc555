-- expect: success|timeout
-- attacks: a hundred thousand short-lived closures
local f
for i = 1, 1e5 do f = function() return i end end
assert(f() == 1e5)
