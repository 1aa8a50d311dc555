-- expect: failure
-- attacks: endless recursion in tail position, which still takes a frame
local function f() return f() end
return f()
