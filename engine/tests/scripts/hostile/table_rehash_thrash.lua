-- expect: timeout
-- attacks: adding and removing keys at the edge of a rehash for ever
local t = {}
for i = 1, 2 ^ 14 do t[-i] = true end
while true do t[0] = true t[0] = nil t[1.5] = true t[1.5] = nil end
