-- expect: failure
-- attacks: a __newindex function that assigns to its own table
local t = setmetatable({}, { __newindex = function(t, k, v) t[k] = v end })
t.x = 1
