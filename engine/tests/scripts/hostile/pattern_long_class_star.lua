-- expect: timeout
-- attacks: a character class of 1 MB under a star: one long step of the matcher
return string.find(string.rep("b", 1e6), "[" .. string.rep("a", 1e6) .. "b]*c")
