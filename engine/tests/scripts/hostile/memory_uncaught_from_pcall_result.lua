-- expect: memory_limit
-- attacks: assert of a pcall that ran out of memory
assert(pcall(string.rep, "x", 1e9))
