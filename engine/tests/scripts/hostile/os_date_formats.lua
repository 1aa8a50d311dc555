-- expect: success
-- attacks: os.date with every letter and odd times
for c = 0, 255 do
	pcall(os.date, "%" .. string.char(c))
	pcall(os.date, "!%" .. string.char(c), 0)
	pcall(os.date, "%E" .. string.char(c)) pcall(os.date, "%O" .. string.char(c))
end
for _, t in { -1, 0, 2 ^ 31, -2 ^ 31, 2 ^ 53, -2 ^ 53, 2 ^ 63, 1e308, math.huge, -math.huge, 0 / 0, 67768036191676799 } do
	for _, f in { "*t", "!*t", "%c", "!%c", "!%Y", "%%", "" } do pcall(os.date, f, t) end
end
