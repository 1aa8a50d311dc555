-- expect: success
-- attacks: gmatch iterators called past the end, from other coroutines and with odd arguments
local it = string.gmatch("a b c", "%a")
for i = 1, 100 do coroutine.wrap(function() it(i, {}, nil) end)() end
assert(it() == nil)
assert(not pcall(string.gmatch, {}, "x"))
