-- expect: success
-- attacks: an error handler that resumes, closes and traces the coroutine that failed
local co
co = coroutine.create(function()
	xpcall(function() error("x") end, function()
		pcall(coroutine.resume, co)
		pcall(coroutine.close, co)
		return debug.traceback(co)
	end)
	coroutine.yield()
end)
coroutine.resume(co)
assert(coroutine.close(co))
