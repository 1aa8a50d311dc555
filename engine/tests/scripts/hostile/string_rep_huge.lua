-- expect: memory_limit
-- attacks: one string of a gigabyte
return #string.rep("x", 1e9)
