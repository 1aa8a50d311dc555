-- expect: memory_limit|failure
-- attacks: assert of a pcall that ran out of memory
assert(pcall(string.rep, "x", 1e9))
