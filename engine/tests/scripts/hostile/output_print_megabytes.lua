-- expect: success
-- attacks: print of several strings of a megabyte
local s = string.rep("x", 2 ^ 20)
for i = 1, 4 do print(s) end
return "still alive"
