-- lua: 5.4 | differs: pairs does not call __pairs
-- uses: a table that iterates in the order of insertion
-- instead: __iter and a loop over the object itself, or a method
local function ordered()
  local keys, values = {}, {}
  return setmetatable({}, {
    __newindex = function(_, key, value)
      if values[key] == nil then keys[#keys + 1] = key end
      values[key] = value
    end,
    __index = values,
    __pairs = function()
      local i = 0
      return function()
        i = i + 1
        return keys[i], values[keys[i]]
      end
    end,
  })
end

local headers = ordered()
headers["Host"] = "example.com"
headers["Accept"] = "*/*"
headers["Content-Type"] = "text/plain"
for name, value in pairs(headers) do print(name .. ": " .. value) end

-- prints:
--> Host: example.com
--> Accept: */*
--> Content-Type: text/plain

-- prints here:
