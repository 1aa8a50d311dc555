-- expect: timeout
-- attacks: a character class of 100 kB tried at each of 1 M positions
return string.find(string.rep("b", 1e6), "[" .. string.rep("a", 1e5) .. "]")
