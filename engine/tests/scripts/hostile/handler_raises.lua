-- expect: success
-- attacks: an xpcall handler that raises must end in a plain failed xpcall
local ok = xpcall(error, function() error("again") end, "first")
assert(ok == false)
