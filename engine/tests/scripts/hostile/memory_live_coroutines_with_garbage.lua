-- expect: success|timeout
-- attacks: five hundred live coroutines while others become garbage
local live = {}
for i = 1, 3000 do
	local co = coroutine.create(function() local x = {} coroutine.yield(x) end)
	coroutine.resume(co)
	live[i % 500] = co
end
assert(coroutine.status(live[7]) == "suspended")
