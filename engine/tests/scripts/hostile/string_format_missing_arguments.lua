-- expect: success
-- attacks: a format asking for a hundred thousand arguments
assert(not pcall(string.format, string.rep("%s", 1e5), "only one"))
