-- expect: success
-- attacks: unpacking as much as possible at every level of a recursion
local t = table.create(5000, 1)
local function deep(n, ...)
	if n > 0 then return deep(n - 1, table.unpack(t)) end
	return select("#", ...)
end
local ok = pcall(deep, 100)
assert(type(ok) == "boolean")
