-- expect: timeout
-- attacks: coroutines made and dropped for ever, suspended and finished
while true do
	local co = coroutine.wrap(function() coroutine.yield() end)
	co()
end
