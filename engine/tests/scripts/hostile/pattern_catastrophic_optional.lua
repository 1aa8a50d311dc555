-- expect: timeout
-- attacks: backtracking over many optional items
return string.match(string.rep("a", 30), string.rep("a?", 60) .. string.rep("a", 31))
