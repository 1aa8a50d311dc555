-- expect: success
-- attacks: integer conversions of numbers that are no integers
for _, f in { "%d", "%i", "%u", "%x", "%X", "%o", "%c" } do
	for _, v in { 2 ^ 63, -2 ^ 63, 2 ^ 64, 1e308, -1e308, math.huge, -math.huge, 0 / 0, 0.5, 255, 256, -1 } do
		pcall(string.format, f, v)
	end
end
