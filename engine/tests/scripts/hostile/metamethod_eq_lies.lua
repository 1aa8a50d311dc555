-- expect: success
-- attacks: __eq that answers with odd values or raises
local mt = { __eq = function() return {} end }
local a, b = setmetatable({}, mt), setmetatable({}, mt)
assert((a == b) == true)
mt.__eq = function() error("no") end
assert(not pcall(function() return a == b end))
assert(table.find({ a }, a) == 1)
pcall(table.find, { a }, b)
