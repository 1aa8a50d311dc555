-- expect: success
-- attacks: debug.traceback of coroutines in every state with odd levels
local suspended = coroutine.create(function() coroutine.yield() end)
coroutine.resume(suspended)
local failed = coroutine.create(function() error("x") end)
coroutine.resume(failed)
coroutine.close(suspended)
for _, co in { suspended, failed, coroutine.create(print), coroutine.running() } do
	for _, level in { -1, 0, 1, 50, 2 ^ 31 - 1, 2 ^ 53, math.huge } do
		pcall(debug.traceback, co, "message", level)
	end
end
for _, m in { 1, {}, true, print } do pcall(debug.traceback, m) pcall(debug.traceback, suspended, m) end
