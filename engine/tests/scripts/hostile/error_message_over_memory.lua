-- expect: memory_limit; at 256: failure
-- attacks: raising a string of 60 MB
error(string.rep("x", 60e6))
