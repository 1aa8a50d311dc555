-- expect: success
-- attacks: os.date with a megabyte of literal text and a cut item at the end
assert(not pcall(os.date, string.rep("x", 1e6), 0))
pcall(os.date, string.rep("x", 1e5) .. "%")
