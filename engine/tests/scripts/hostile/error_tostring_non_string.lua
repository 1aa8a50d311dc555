-- expect: failure
-- attacks: raising an object whose __tostring returns a table
error(setmetatable({}, { __tostring = function() return {} end }))
