-- expect: success
-- attacks: debug.info on coroutines in every state, at every level
local suspended = coroutine.create(function() local x = 1 pcall(coroutine.yield) end)
coroutine.resume(suspended)
local failed = coroutine.create(function() error("x") end)
coroutine.resume(failed)
local fresh, dead = coroutine.create(print), coroutine.create(function() end)
coroutine.resume(dead)
for _, co in { suspended, failed, fresh, dead, coroutine.running() } do
	for level = -2, 20 do pcall(debug.info, co, level, "slnaf") end
	pcall(debug.info, co, 2 ^ 31 - 1, "slnaf") pcall(debug.info, co, print, "s") pcall(debug.info, co)
end
