-- expect: timeout
-- attacks: the timeout dies in a coroutine and the parent starts another
while true do
	coroutine.resume(coroutine.create(function() while true do end end))
end
