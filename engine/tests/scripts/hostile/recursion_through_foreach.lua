-- expect: failure
-- attacks: endless recursion through table.foreach
local function f() table.foreach({ 1 }, f) end
f()
