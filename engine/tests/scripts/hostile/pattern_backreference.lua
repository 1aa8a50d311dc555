-- expect: timeout
-- attacks: back-reference to a long greedy capture
return string.find(string.rep("a", 20000), "(.*)%1b")
