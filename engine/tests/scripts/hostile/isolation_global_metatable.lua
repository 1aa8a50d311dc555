-- expect: success
-- attacks: the metatable of _G cannot be replaced or written
assert(not pcall(setmetatable, _G, {}))
local mt = getmetatable(_G)
if type(mt) == "table" then
	assert(not pcall(function() mt.__index = {} end))
	assert(not pcall(function() mt.__metatable = nil end))
	if type(mt.__index) == "table" then assert(not pcall(rawset, mt.__index, "print", 1)) end
end
