-- expect: success
-- attacks: os.date with a megabyte of literal text and a cut item at the end
assert(#os.date(string.rep("x", 1e6), 0) == 1e6)
pcall(os.date, string.rep("x", 1e5) .. "%")
