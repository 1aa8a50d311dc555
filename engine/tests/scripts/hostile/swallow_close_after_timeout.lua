-- expect: timeout
-- attacks: closes the coroutine that timed out and returns in good order
local co = coroutine.create(function() while true do end end)
coroutine.resume(co)
coroutine.close(co)
return "clean"
