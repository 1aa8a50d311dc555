-- expect: memory_limit
-- attacks: running out of memory inside of coroutine.wrap
coroutine.wrap(function() return string.rep("x", 1e9) end)()
