-- expect: success
-- attacks: os.date with a megabyte of literal text and a cut item at the end
local s = os.date(string.rep("x", 1e6), 0)
assert(#s == 1e6)
pcall(os.date, string.rep("x", 1e5) .. "%")
