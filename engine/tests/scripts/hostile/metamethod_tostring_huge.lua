-- expect: success|timeout
-- attacks: print of objects whose __tostring gives megabytes
local o = setmetatable({}, { __tostring = function() return string.rep("x", 2e6) end })
for i = 1, 3 do print(o) end
