-- expect: success
-- attacks: running out of memory inside of gsub, sort, __index and __tostring callbacks
local function big() return string.rep("x", 1e9) end
assert(not pcall(string.gsub, "abc", ".", big))
assert(not pcall(table.sort, { 3, 2, 1 }, big))
assert(not pcall(function() return setmetatable({}, { __index = big }).x end))
assert(not pcall(tostring, setmetatable({}, { __tostring = big })))
assert(not pcall(function() for _ in setmetatable({}, { __iter = big }) do end end))
