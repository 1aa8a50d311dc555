-- lua: 5.4 | refused: math.type
-- uses: math.type in a validation
-- instead: type(n) == "number" and n % 1 == 0
local schema = { id = "integer", price = "number", name = "string" }

local function problems(record)
  local found = {}
  for field, wanted in pairs(schema) do
    local value = record[field]
    local ok = type(value) == wanted or (wanted == "integer" and math.type(value) == "integer")
    if not ok then found[#found + 1] = field .. ": expected " .. wanted end
  end
  table.sort(found)
  return #found == 0 and "valid" or table.concat(found, "; ")
end

print(problems { id = 7, price = 12.5, name = "cable" })
print(problems { id = 7.5, price = "12" })

-- prints:
--> valid
--> id: expected integer; name: expected string; price: expected number

-- raises here:
--> integer_check.lua:10: attempt to call a nil value (math.type is not in Luau: all numbers are doubles; use x % 1 == 0)
