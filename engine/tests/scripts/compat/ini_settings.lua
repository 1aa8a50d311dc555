-- lua: 5.1 | runs
-- uses: line by line parsing with string.match, type conversion, sorted keys
local source = [[
; server
[http]
port = 8080
host = "example.com"
gzip = yes

[db]
pool=4
]]
local settings, section = {}, nil
for line in source:gmatch("[^\r\n]+") do
  local name = line:match("^%[(%w+)%]$")
  local key, value = line:match("^%s*(%w+)%s*=%s*(.-)%s*$")
  if name then
    section = name
    settings[section] = {}
  elseif key then
    local quoted = value:match('^"(.*)"$')
    if value == "yes" or value == "no" then
      settings[section][key] = value == "yes"
    else
      settings[section][key] = quoted or tonumber(value) or value
    end
  end
end
print(settings.http.port + 1, settings.http.host, settings.http.gzip, type(settings.db.pool))

-- prints:
--> 8081	example.com	true	number
