-- expect: timeout|memory_limit
-- attacks: sets of megabytes, which are read before anything is held against them
local start = os.clock()
local function longest(piece, size)
	while true do
		local fits = pcall(string.rep, piece, size // #piece)
		size //= 2
		if fits then return string.rep(piece, size // #piece) end
	end
end
local ranges = '[' .. longest('a-b', 2 ^ 26) .. ']'
while os.clock() - start < 0.09 do end
while true do
	pcall(string.match, '-', ranges)
	pcall(string.gsub, '-', '%f' .. ranges, '')
end
