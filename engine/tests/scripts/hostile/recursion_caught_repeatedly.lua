-- expect: timeout
-- attacks: stack overflows caught and made again for ever
local function f() return 1 + f() end
while true do pcall(f) end
