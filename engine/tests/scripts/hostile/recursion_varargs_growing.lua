-- expect: memory_limit|failure|timeout
-- attacks: recursion that passes one argument more at every level
local function f(...) return 1 + f(1, ...) end
f()
