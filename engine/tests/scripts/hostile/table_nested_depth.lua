-- expect: success
-- attacks: a table nested a hundred thousand deep is collected without recursion
local t = {}
for i = 1, 1e5 do t = { t } end
t = nil
for i = 1, 30 do string.rep("g", 1e6) end
