-- expect: success
-- attacks: a character class (compiled once) of 100 kB tried at each of 1 M positions
return string.find(string.rep("b", 1e6), "[" .. string.rep("a", 1e5) .. "]")
