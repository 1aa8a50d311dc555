-- expect: success
-- attacks: json.null cannot be changed, called or given a metatable
local null = json.null
assert(not pcall(setmetatable, null, {}))
assert(not pcall(rawset, null, "x", 1))
assert(not pcall(function() null.x = 1 end))
local mt = getmetatable(null)
if type(mt) == "table" then assert(not pcall(function() mt.__index = {} end)) end
pcall(function() return null() end) pcall(function() return null + 1 end) pcall(function() return #null end)
tostring(null)
