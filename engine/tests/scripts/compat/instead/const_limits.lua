local MAX_ITEMS = 3
local UNITS = table.freeze { "B", "KiB", "MiB" }

local function size(bytes)
  local unit = 1
  while bytes >= 1024 and unit < #UNITS do
    bytes = bytes // 1024
    unit = unit + 1
  end
  return bytes .. " " .. UNITS[unit]
end

for i, bytes in ipairs { 17, 2048, 5 * 1024 * 1024, 1 } do
  if i > MAX_ITEMS then break end
  print(size(bytes))
end
