-- expect: success
-- attacks: every letter as a format option with every kind of argument
for c = 0, 255 do
	for _, v in { 1.5, -2 ^ 63, "x", {}, true, print, vector.zero } do
		pcall(string.format, "%" .. string.char(c), v)
		pcall(string.format, "%5.5" .. string.char(c), v)
	end
end
assert(not pcall(string.format, "%"))
