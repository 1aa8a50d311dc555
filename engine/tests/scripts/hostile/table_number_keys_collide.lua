-- expect: success|timeout
-- attacks: keys picked so that simple hashes fall together
local t = {}
for i = 1, 10000 do t[i * 2 ^ 32] = i end
for i = 1, 10000 do t[i * 2 ^ -1040] = i end
for i = 1, 10000 do assert(t[i * 2 ^ 32] == i) end
