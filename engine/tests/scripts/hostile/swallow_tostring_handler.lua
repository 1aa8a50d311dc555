-- expect: timeout
-- attacks: print of an object whose __tostring loops, inside pcall
local o = setmetatable({}, { __tostring = function() while true do end end })
pcall(print, o)
pcall(tostring, o)
return "swallowed"
