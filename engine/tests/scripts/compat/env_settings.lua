-- lua: 5.4 | differs: _ENV is a name like any other; globals go to _G
-- uses: a local _ENV that collects settings
-- instead: fields of a table, written as such
local function settings()
  local _ENV = {}
  server = "example.com"
  port = 8080
  return _ENV
end

print(settings().server, settings().port, server)

-- prints:
--> example.com	8080	nil

-- prints here:
--> nil	nil	example.com
