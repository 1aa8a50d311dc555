-- expect: success
-- attacks: %* and %s calling __tostring that misbehave
local function obj(f) return setmetatable({}, { __tostring = f }) end
assert(not pcall(string.format, "%*", obj(function() return {} end)))
assert(not pcall(string.format, "%s", obj(function() error("no") end)))
assert(not pcall(string.format, "%5*", 1))
assert(string.format("%*", obj(function() return "ok" end)) == "ok")
