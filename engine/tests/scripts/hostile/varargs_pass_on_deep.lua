-- expect: success
-- attacks: seven thousand arguments handed down a hundred calls
local function pass(n, ...)
	if n == 0 then return select("#", ...) end
	return (pass(n - 1, ...))
end
pcall(pass, 100, table.unpack(table.create(7000, 1)))
