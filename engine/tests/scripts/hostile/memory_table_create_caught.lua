-- expect: success
-- attacks: a table too large, caught; the script goes on
assert(not pcall(table.create, 5e7, 0))
local t = table.create(1000, 1)
return #t
