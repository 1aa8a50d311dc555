-- expect: success
-- attacks: __index and __newindex that point to themselves must be refused
local t = {}
setmetatable(t, { __index = t, __newindex = t })
assert(not pcall(function() return t.x end))
assert(not pcall(function() t.x = 1 end))
local a, b = {}, {}
setmetatable(a, { __index = b }) setmetatable(b, { __index = a })
assert(not pcall(function() return a.x end))
