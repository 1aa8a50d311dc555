-- expect: success
-- attacks: table.remove at extreme positions
for _, pos in { -2 ^ 31, 2 ^ 31 - 1, 0, -1, 4, 100, 2 ^ 31, 2 ^ 53, -2 ^ 53, math.huge, -math.huge, 0 / 0 } do
	pcall(table.remove, { 1, 2, 3 }, pos)
	pcall(table.remove, {}, pos)
end
assert(not pcall(table.remove, table.freeze({ 1 })))
