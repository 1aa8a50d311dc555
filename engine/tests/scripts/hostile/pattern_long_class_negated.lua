-- expect: timeout
-- attacks: a negated class of 1 MB under a lazy repeat
return string.find(string.rep("b", 1e6), "[^" .. string.rep("a", 1e6) .. "]-c")
