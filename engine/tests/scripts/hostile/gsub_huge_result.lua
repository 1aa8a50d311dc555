-- expect: memory_limit|timeout
-- attacks: replacing each of 100 k characters by 100 kB
return #string.gsub(string.rep("a", 1e5), "a", string.rep("b", 1e5))
