-- lua: 5.4 | refused: string.format("%s") of what is neither string nor number
-- uses: %s for nil, booleans and objects in log lines
-- instead: %*, which takes any value, or tostring
local state = setmetatable({}, { __tostring = function() return "ready" end })
local function log(format, ...)
  print(("[app] " .. format):format(...))
end

log("listening on %s:%d", "localhost", 8080)
log("user %s, admin %s", nil, true)
log("worker is %s", state)

-- prints:
--> [app] listening on localhost:8080
--> [app] user nil, admin true
--> [app] worker is ready

-- prints here:
--> [app] listening on localhost:8080

-- raises here:
--> format_any_value.lua:6: invalid argument #2 to 'format' (string expected, got nil)
