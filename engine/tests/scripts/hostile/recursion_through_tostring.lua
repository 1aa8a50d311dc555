-- expect: failure
-- attacks: endless recursion through __tostring
local mt = {}
mt.__tostring = function(o) return tostring(o) end
return tostring(setmetatable({}, mt))
