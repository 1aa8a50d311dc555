-- expect: timeout
-- attacks: backtracking over nested greedy captures
return string.match(string.rep("x", 300), "(.*)(.*)(.*)(.*)(.*)(.*)y")
