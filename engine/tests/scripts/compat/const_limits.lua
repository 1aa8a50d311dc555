-- lua: 5.4 | refused: <const>
-- uses: local constants
-- instead: a plain local
local MAX_ITEMS <const> = 3
local UNITS <const> = { "B", "KiB", "MiB" }

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

-- prints:
--> 17 B
--> 2 KiB
--> 5 MiB

-- raises here:
--> const_limits.lua:4: Expected identifier when parsing expression, got '<' (Luau has no <const>: use a plain local, or const in place of local)
