-- expect: success
-- attacks: next with keys that are not there, or no longer
local t = { a = 1, b = 2 }
assert(not pcall(next, t, "zzz"))
assert(not pcall(next, t, 0 / 0))
assert(not pcall(next, t, {}))
assert(not pcall(next, nil))
for k in t do t[k] = nil end
assert(next(t) == nil)
