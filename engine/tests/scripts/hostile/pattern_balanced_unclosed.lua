-- expect: timeout
-- attacks: %b() from every position of a string of open brackets
return string.find(string.rep("(", 1e6), "%b()")
