-- lua: 5.4 | runs
-- uses: table.unpack, table.pack with n, deep merging, sorted iteration
local function merge(...)
  local layers, result = table.pack(...), {}
  for i = 1, layers.n do
    for key, value in pairs(layers[i] or {}) do
      if type(value) == "table" and type(result[key]) == "table" then
        result[key] = merge(result[key], value)
      else
        result[key] = value
      end
    end
  end
  return result
end

local function show(settings, path)
  local keys = {}
  for key in pairs(settings) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local value = settings[key]
    if type(value) == "table" then show(value, path .. key .. ".") else print(path .. key, value) end
  end
end

show(merge({ db = { host = "localhost", port = 5432 } }, nil, { db = { host = "db1" }, debug = false }), "")
print(table.unpack({ 1, 2, 3 }, 2))

-- prints:
--> db.host	db1
--> db.port	5432
--> debug	false
--> 2	3
