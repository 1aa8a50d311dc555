-- expect: failure
-- attacks: raising a string of 8 MB
error(string.rep("x", 8e6), 0)
