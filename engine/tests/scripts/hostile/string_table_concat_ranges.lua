-- expect: success
-- attacks: table.concat over extreme ranges must be refused, not walked
local t = { "a", [2147483647] = "z" }
assert(not pcall(table.concat, t, "", 1, 2147483647))
assert(not pcall(table.concat, t, "", -2147483648, 2147483647))
assert(table.concat(t, "", 2147483647, 2147483647) == "z")
assert(table.concat(t, "", 2, 1) == "")
assert(not pcall(table.concat, { {}, 1 }))
