-- expect: failure
-- attacks: raising an object whose __tostring makes a string too large for the memory
error(setmetatable({}, { __tostring = function() return string.rep("x", 1e9) end }))
