-- expect: failure
-- attacks: raising an object whose __tostring raises another such object
local mt = {}
mt.__tostring = function() error(setmetatable({}, mt)) end
error(setmetatable({}, mt))
