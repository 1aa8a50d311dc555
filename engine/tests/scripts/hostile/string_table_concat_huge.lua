-- expect: memory_limit|timeout
-- attacks: table.concat of a million times a kilobyte
local t = table.create(1e6, string.rep("x", 1000))
return #table.concat(t)
