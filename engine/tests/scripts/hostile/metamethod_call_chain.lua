-- expect: success
-- attacks: __call of an object whose __call is an object, and so on
local f = function() return "end" end
for i = 1, 1000 do f = setmetatable({}, { __call = f }) end
pcall(f)
pcall(pcall, f)
pcall(coroutine.wrap(function() return f() end))
