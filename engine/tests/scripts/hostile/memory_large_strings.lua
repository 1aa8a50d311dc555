-- expect: memory_limit|timeout
-- attacks: strings of a megabyte kept until the memory ends
local keep = {}
for i = 1, 1e6 do keep[i] = string.rep("x", 1e6 + i) end
