-- expect: success
-- attacks: an __index chain of a thousand tables must work or be refused
local t = { deepest = true }
for i = 1, 1000 do t = setmetatable({}, { __index = t }) end
pcall(function() return t.deepest end)
pcall(function() return t.missing end)
