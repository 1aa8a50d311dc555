-- expect: memory_limit|timeout
-- attacks: split into more parts than the memory holds
local parts = string.split(string.rep(",", 15e6), ",")
return #parts
