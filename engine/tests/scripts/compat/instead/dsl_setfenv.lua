local function configure(chunk)
  local settings = {}
  chunk(settings)
  return settings
end

local settings = configure(function(it)
  it.host = "example.com"
  it.ports = { 80, 443 }
end)
print(settings.host, #settings.ports, host)
