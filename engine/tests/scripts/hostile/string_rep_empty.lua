-- expect: success|timeout
-- attacks: repeating the empty string a thousand million times
assert(string.rep("", 1e9) == "")
assert(string.rep("", 2 ^ 31 - 1) == "")
