-- expect: success
-- attacks: __lt and __le answering with odd values inside of sort and max
local mt = { __lt = function() return "yes" end, __le = function() return {} end }
local t = {}
for i = 1, 200 do t[i] = setmetatable({}, mt) end
pcall(table.sort, t)
assert(t[1] < t[2] and t[2] < t[1] and t[1] <= t[2])
pcall(math.max, t[1], t[2])
