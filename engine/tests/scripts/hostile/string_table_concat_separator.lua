-- expect: memory_limit|timeout
-- attacks: table.concat with a separator of a megabyte
local t = table.create(10000, "")
return #table.concat(t, string.rep("-", 1e6))
