-- expect: success
-- attacks: closing a coroutine suspended inside nested pcall frames, then resuming it
local co = coroutine.create(function()
	pcall(function() xpcall(function() pcall(coroutine.yield) end, print) end)
end)
for i = 1, 100 do
	coroutine.resume(co)
	coroutine.close(co)
	assert(not coroutine.resume(co))
	co = coroutine.create(function() pcall(function() xpcall(coroutine.yield, print) end) end)
end
