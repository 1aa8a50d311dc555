-- expect: success|timeout
-- attacks: xpcall with itself as body and as handler, recursing in both
local c
c = function() xpcall(c, c) end
xpcall(c, c)
