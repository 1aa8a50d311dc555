-- expect: timeout
-- attacks: json.encode of a middling table for ever
local t = {}
for i = 1, 1000 do t[i] = { id = i, name = "n" .. i } end
while true do json.encode(t) end
