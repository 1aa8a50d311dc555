-- expect: timeout
-- attacks: catches the timeout and throws an error of its own
local ok = pcall(function() while true do end end)
error({ code = "own error", ok = ok })
