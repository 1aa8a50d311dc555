local state = setmetatable({}, { __tostring = function() return "ready" end })
local function log(format, ...)
  print(("[app] " .. format):format(...))
end

log("listening on %s:%d", "localhost", 8080)
log("user %*, admin %*", nil, true)
log("worker is %*", state)
