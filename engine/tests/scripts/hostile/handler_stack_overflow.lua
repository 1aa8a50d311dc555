-- expect: success
-- attacks: the handler of a stack overflow overflows the stack again
local function deep() return 1 + deep() end
local ok = xpcall(deep, function() return deep() end)
assert(ok == false)
