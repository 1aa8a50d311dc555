-- expect: success
-- attacks: utf8 functions with extreme positions and codes
local list = { -2 ^ 31, 2 ^ 31 - 1, 2 ^ 31, 2 ^ 53, -2 ^ 53, math.huge, -math.huge, 0 / 0, 0, -1, 100 }
for _, i in list do
	for _, j in list do
		pcall(utf8.len, "aé€", i, j)
		pcall(utf8.codepoint, "aé€", i, j)
		pcall(utf8.offset, "aé€", i, j)
	end
	pcall(utf8.char, i)
end
