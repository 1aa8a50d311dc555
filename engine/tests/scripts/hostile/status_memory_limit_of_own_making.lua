-- expect: failure
-- attacks: an error of the script's own that ends in "not enough memory", after a refused allocation that was caught
pcall(string.rep, "x", 1e9)
error("the quota says: not enough memory", 0)
