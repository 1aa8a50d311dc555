-- expect: timeout
-- attacks: swallows the timeout with coroutine.resume and returns
local co = coroutine.create(function() while true do end end)
local ok, message = coroutine.resume(co)
return { ok = ok, message = tostring(message) }
