-- expect: timeout
-- attacks: an xpcall handler that itself loops for ever
xpcall(function() error("x") end, function() while true do end end)
