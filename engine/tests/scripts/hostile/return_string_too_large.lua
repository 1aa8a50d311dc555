-- expect: failure
-- attacks: returning a string of 1 MB
return string.rep("x", 1e6)
