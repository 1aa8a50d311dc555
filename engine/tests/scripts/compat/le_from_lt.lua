-- lua: 5.1 | runs
-- uses: <= on values whose metatable has only __lt
local Version = {}
Version.__index = Version
Version.__lt = function(a, b)
  for i = 1, 3 do
    if a[i] ~= b[i] then return a[i] < b[i] end
  end
  return false
end

local function version(text)
  local parts = {}
  for part in text:gmatch("%d+") do parts[#parts + 1] = tonumber(part) end
  return setmetatable(parts, Version)
end

local installed = version("1.10.2")
for _, needed in ipairs { "1.9.9", "1.10.2", "2.0.0" } do
  print(needed, version(needed) <= installed, version(needed) > installed)
end

-- prints:
--> 1.9.9	true	false
--> 1.10.2	true	false
--> 2.0.0	false	true
