-- expect: failure
-- attacks: coroutine.yield as the iterator of a loop in the main script
for x in coroutine.yield, 1, 2 do end
