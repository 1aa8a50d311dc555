-- expect: success
-- attacks: an xpcall handler that yields is refused, the coroutine stays usable
local co = coroutine.create(function()
	local ok = xpcall(error, function() coroutine.yield("from handler") end)
	return ok
end)
local alive, result = coroutine.resume(co)
assert(alive == false or result ~= "from handler")
