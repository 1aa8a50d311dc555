-- expect: success
-- attacks: table.move with NaN, infinite and fractional indexes
local odd = { 0 / 0, math.huge, -math.huge, 1.5, 2 ^ 53 }
for _, a in odd do
	for _, b in { 0, 1, 5 } do
		pcall(table.move, { 1, 2, 3 }, b, b + 1, a)
		pcall(table.move, { 1, 2, 3 }, b, b + 1, a, { 1 })
	end
end
