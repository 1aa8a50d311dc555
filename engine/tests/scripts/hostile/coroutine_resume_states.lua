-- expect: success
-- attacks: resuming the running, normal and dead coroutine and oneself
assert(not pcall(coroutine.resume, coroutine.running()))
local co = coroutine.create(function(self) return coroutine.resume(self) end)
local _, inner = coroutine.resume(co, co)
assert(inner == false)
assert(not coroutine.resume(co))
assert(coroutine.running() == nil)
