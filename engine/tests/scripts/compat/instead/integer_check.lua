local schema = { id = "integer", price = "number", name = "string" }

local function is_a(value, wanted)
  if wanted == "integer" then return type(value) == "number" and value % 1 == 0 end
  return type(value) == wanted
end

local function problems(record)
  local found = {}
  for field, wanted in pairs(schema) do
    if not is_a(record[field], wanted) then found[#found + 1] = field .. ": expected " .. wanted end
  end
  table.sort(found)
  return #found == 0 and "valid" or table.concat(found, "; ")
end

print(problems { id = 7, price = 12.5, name = "cable" })
print(problems { id = 7.5, price = "12" })
