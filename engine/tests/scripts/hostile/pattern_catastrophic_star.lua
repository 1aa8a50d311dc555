-- expect: timeout
-- attacks: backtracking over many a* items
return string.find(string.rep("a", 40), string.rep("a*", 24) .. "b")
