-- expect: success|timeout
-- attacks: long string keys that differ in few bytes
local a, b, t = string.rep("a", 300), string.rep("b", 300), {}
for i = 1, 10000 do t[a .. i .. b] = i end
for i = 1, 10000 do assert(t[a .. i .. b] == i) end
