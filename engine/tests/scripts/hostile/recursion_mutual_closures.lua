-- expect: failure
-- attacks: endless recursion that makes a new closure at each level
local function f(g) return f(function() return g end) end
f(print)
