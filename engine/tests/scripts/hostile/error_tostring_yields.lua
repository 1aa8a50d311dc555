-- expect: failure
-- attacks: raising an object whose __tostring yields
error(setmetatable({}, { __tostring = function() coroutine.yield(1) end }))
