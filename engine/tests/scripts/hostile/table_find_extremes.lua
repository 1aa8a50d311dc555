-- expect: success
-- attacks: table.find from extreme starts
for _, init in { -2 ^ 31, -1, 0, 2 ^ 31 - 1, 2 ^ 31, 2 ^ 53, math.huge, 0 / 0 } do
	pcall(table.find, { 1, 2, 3 }, 3, init)
	pcall(table.find, { [2147483647] = 3 }, 3, init)
end
