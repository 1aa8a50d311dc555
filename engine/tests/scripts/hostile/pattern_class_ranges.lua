-- expect: timeout
-- attacks: a class made of 200 k ranges under plus
return string.find(string.rep("z", 1e6), "[" .. string.rep("a-b", 2e5) .. "z]+!")
