-- lua: 5.1 | refused: setfenv
-- uses: a configuration file as code, in an environment of its own
-- instead: a function that takes the table of settings
local function configure(chunk)
  local settings = {}
  setfenv(chunk, settings)
  chunk()
  return settings
end

local settings = configure(function()
  server = "example.com"
  ports = { 80, 443 }
end)
print(settings.server, #settings.ports, server)

-- prints:
--> example.com	2	nil

-- raises here:
--> dsl_setfenv.lua:6: attempt to call a nil value (setfenv is not there: environments can't be changed; use the fields of a table)
