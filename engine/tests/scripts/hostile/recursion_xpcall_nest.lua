-- expect: success
-- attacks: xpcall within the handler of xpcall until the stack ends
local function h() return xpcall(error, h) end
xpcall(error, h)
