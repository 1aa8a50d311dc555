-- expect: failure
-- attacks: an __index function that indexes its own table
local t = setmetatable({}, { __index = function(t, k) return t[k .. "x"] end })
return t.x
