-- expect: success
-- attacks: debug.info on every level with every option
for level = -3, 300 do
	for _, what in { "s", "l", "n", "a", "f", "slnaf", "fffff", "", "x", "S", ">f", "\0" } do
		pcall(debug.info, level, what)
	end
end
for _, level in { 2 ^ 31 - 1, -2 ^ 31, 2 ^ 53, math.huge, 0 / 0 } do pcall(debug.info, level, "slnaf") end
