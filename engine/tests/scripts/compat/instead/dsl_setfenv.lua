local function configure(chunk)
  local settings = {}
  chunk(settings)
  return settings
end

local settings = configure(function(it)
  it.server = "example.com"
  it.ports = { 80, 443 }
end)
print(settings.server, #settings.ports, server)
