-- expect: timeout
-- attacks: turns the timeout into a friendly message with a handler
local _, message = xpcall(function() while true do end end, function() return "all is well" end)
return message
