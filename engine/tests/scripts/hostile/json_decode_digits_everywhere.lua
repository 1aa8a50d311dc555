-- expect: timeout|memory_limit
-- attacks: numbers of megabytes of digits, before and behind the point and in the exponent
local start = os.clock()
local function longest(piece, size)
	while true do
		local fits = pcall(string.rep, piece, size // #piece)
		size //= 2
		if fits then return string.rep(piece, size // #piece) end
	end
end
local digits = longest('7', 2 ^ 27)
while os.clock() - start < 0.09 do end
while true do
	pcall(json.decode, digits)
	pcall(function() return json.decode('0.' .. digits) end)
	pcall(function() return json.decode('1e-' .. digits) end)
end
