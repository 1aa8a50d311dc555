-- expect: memory_limit|timeout
-- attacks: split into single bytes, more than the memory holds
local parts = string.split(string.rep("ab", 7e6), "")
return #parts
