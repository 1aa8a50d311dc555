-- expect: success
-- attacks: the handler of an out-of-memory error asks for yet more
local ok = xpcall(string.rep, function() return string.rep("y", 1e9) end, "x", 1e9)
assert(ok == false)
return "alive"
