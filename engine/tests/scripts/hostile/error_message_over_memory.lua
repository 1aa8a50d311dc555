-- expect: memory_limit|failure
-- attacks: raising a string of 60 MB
error(string.rep("x", 60e6))
