-- expect: success
-- attacks: print with thousands of arguments
local t = table.create(5000, "argument")
for i = 1, 5 do print(table.unpack(t)) end
