-- expect: failure
-- attacks: endless recursion through gsub callbacks
local function f() return string.gsub("x", "x", f) end
f()
