-- expect: timeout
-- attacks: every access of a loop costs a long __index chain
local t = {}
for i = 1, 80 do t = setmetatable({}, { __index = t }) end
while true do local _ = t.missing end
