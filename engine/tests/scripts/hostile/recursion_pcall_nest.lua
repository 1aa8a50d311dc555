-- expect: success
-- attacks: pcall within pcall until the stack ends
local function f() return pcall(f) end
pcall(f)
