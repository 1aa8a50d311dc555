-- expect: success
-- attacks: __metatable hides and protects a metatable
local t = setmetatable({}, { __metatable = "locked", __index = { a = 1 } })
assert(getmetatable(t) == "locked")
assert(not pcall(setmetatable, t, {}))
assert(not pcall(setmetatable, t, nil))
assert(t.a == 1)
