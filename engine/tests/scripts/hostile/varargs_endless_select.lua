-- expect: timeout
-- attacks: walking long varargs with select, quadratic
local function sum(...)
	local s = 0
	for i = 1, select("#", ...) do s += (select(i, ...)) end
	return s
end
local t = table.create(7000, 1)
while true do sum(table.unpack(t)) end
