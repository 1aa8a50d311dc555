-- expect: success|timeout
-- attacks: about 10 MB of live small tables while garbage is made
local live = {}
for i = 1, 90000 do live[i] = { i, i } end
for i = 1, 2000 do local _ = string.rep("g", 2000 + i) end
assert(#live == 90000 and live[500][1] == 500)
