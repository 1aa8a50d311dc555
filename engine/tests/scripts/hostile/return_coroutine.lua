-- expect: failure
-- attacks: returning a coroutine
return coroutine.create(print)
