-- expect: success
-- attacks: closing running, normal, dead and suspended coroutines
assert(not pcall(coroutine.close, coroutine.running()))
local outer
outer = coroutine.create(function()
	local inner = coroutine.create(function() return pcall(coroutine.close, outer) end)
	local _, ok = coroutine.resume(inner)
	assert(ok == false)
	coroutine.yield()
end)
assert(coroutine.resume(outer))
assert(coroutine.close(outer) == true)
assert(coroutine.status(outer) == "dead")
assert(not coroutine.resume(outer))
assert(not pcall(coroutine.close, 5))
