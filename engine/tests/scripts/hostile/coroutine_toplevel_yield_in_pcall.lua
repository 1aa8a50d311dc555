-- expect: success
-- attacks: yielding from the main script inside pcall
pcall(coroutine.yield, "out")
pcall(function() coroutine.yield("out again") end)
