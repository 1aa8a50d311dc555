-- expect: timeout
-- attacks: backtracking over many lazy dots
return string.find(string.rep("a", 10000), ".-.-.-.-.-b$")
