-- expect: success|timeout
-- attacks: suspended coroutines that hold themselves, dropped
for i = 1, 5000 do
	local co
	co = coroutine.create(function() local me = co coroutine.yield(me) return me end)
	coroutine.resume(co)
end
