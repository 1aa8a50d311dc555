-- expect: success
-- attacks: writing to the metatable of strings
local mt = getmetatable("")
if type(mt) == "table" then
	assert(not pcall(function() mt.__index.x = 1 end))
	assert(not pcall(function() mt.__index = {} end))
	assert(not pcall(rawset, mt, "__add", print))
	assert(not pcall(setmetatable, mt, {}))
end
assert(not pcall(setmetatable, "", {}))
assert(("x").x == nil)
