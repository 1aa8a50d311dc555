-- expect: success|timeout
-- attacks: table.move over 2^31-1 elements into a table with a key at -2^31 (Luau issue 2970)
local target = {}
target[-2 ^ 31] = true
pcall(table.move, { "a" }, 1, 2 ^ 31 - 1, 1, target)
