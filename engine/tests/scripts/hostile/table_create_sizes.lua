-- expect: success
-- attacks: table sizes that must be refused
for _, n in { -1, -2 ^ 31, 2 ^ 31 - 1, 2 ^ 30, 1e9 } do
	assert(not pcall(table.create, n), n)
	assert(not pcall(table.create, n, 0), n)
end
for _, n in { 0 / 0, math.huge, -math.huge, 2 ^ 53 } do pcall(table.create, n, 0) end
