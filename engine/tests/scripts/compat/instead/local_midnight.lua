-- Berlin's winter time; with summer time too, the host is the one to know: META or CONFIG has the offset.
local OFFSET = 3600
local function midnight(year, month, day)
  return os.time { year = year, month = month, day = day, hour = 0 } - OFFSET
end

for _, day in ipairs { 15, 16 } do
  print("opens", midnight(2024, 1, day) + 9 * 3600)
end
