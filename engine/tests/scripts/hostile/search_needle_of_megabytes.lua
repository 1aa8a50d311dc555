-- expect: timeout|memory_limit
-- attacks: texts of megabytes that are sought in texts of megabytes
local start = os.clock()
local function longest(piece, size)
	while true do
		local fits = pcall(string.rep, piece, size // #piece)
		size //= 2
		if fits then return string.rep(piece, size // #piece) end
	end
end
local subject, needle = longest('ab', 2 ^ 26), longest('ab', 2 ^ 24) .. 'b'
while os.clock() - start < 0.09 do end
while true do
	pcall(string.find, subject, needle, 1, true)
	pcall(string.split, subject, needle)
end
