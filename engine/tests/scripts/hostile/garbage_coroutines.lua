-- expect: success|timeout
-- attacks: five thousand short-lived coroutines
for i = 1, 5000 do coroutine.wrap(function() coroutine.yield(i) end)() end
