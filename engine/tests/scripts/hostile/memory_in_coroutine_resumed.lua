-- expect: success
-- attacks: running out of memory inside of a resumed coroutine
local co = coroutine.create(function() return string.rep("x", 1e9) end)
assert(coroutine.resume(co) == false)
assert(coroutine.status(co) == "dead")
