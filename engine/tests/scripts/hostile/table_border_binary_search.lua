-- expect: timeout
-- attacks: length of a table whose border has to be searched, for ever
local t = {}
for i = 1, 2 ^ 15 do t[i] = true end
for i = 2 ^ 14, 2 ^ 15 do t[i] = nil end
while true do local _ = #t + rawlen(t) end
