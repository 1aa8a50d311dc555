-- expect: success
-- attacks: table.insert at extreme positions
for _, pos in { -2 ^ 31, 2 ^ 31 - 1, 0, -1, 100, 2 ^ 31, 2 ^ 53, -2 ^ 53, math.huge, -math.huge, 0 / 0 } do
	pcall(table.insert, { 1, 2, 3 }, pos, "x")
	pcall(table.insert, {}, pos, "x")
	pcall(table.insert, { [2147483647] = 1 }, pos, "x")
end
assert(not pcall(table.insert, {}))
assert(not pcall(table.insert, {}, 1, 2, 3))
