-- expect: success
-- attacks: a string too large, caught; the script goes on
assert(not pcall(string.rep, "x", 1e9))
return "still alive"
