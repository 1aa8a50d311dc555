-- expect: success
-- attacks: wrap of non-functions, calls of dead and of running wraps
for _, v in { 1, "x", {}, true, vector.zero } do assert(not pcall(coroutine.wrap, v)) end
local w = coroutine.wrap(function() end)
w()
assert(not pcall(w))
local me
me = coroutine.wrap(function() return pcall(me) end)
assert(me() == false)
