-- expect: success
-- attacks: debug.traceback as handler at the bottom of an overflowed stack
local function deep() return 1 + deep() end
local ok, trace = xpcall(deep, debug.traceback)
assert(ok == false and type(trace) == "string")
