-- expect: failure
-- attacks: yielding from the main script
coroutine.yield("out of the main script")
