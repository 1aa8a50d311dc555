-- expect: timeout
-- attacks: __index, __eq and __concat each swallowing the timeout
local function spin() pcall(function() while true do end end) return "x" end
local mt = { __index = spin, __eq = spin, __concat = spin, __len = function() spin() return 1 end }
local a, b = setmetatable({}, mt), setmetatable({}, mt)
local _ = a.x, a == b, a .. b, #a
return "swallowed"
