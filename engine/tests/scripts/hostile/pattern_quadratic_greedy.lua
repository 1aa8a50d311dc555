-- expect: timeout
-- attacks: a*b over millions of a
return string.find(string.rep("a", 4e6), "a*b")
