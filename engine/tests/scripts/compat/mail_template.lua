-- lua: 5.1 | runs
-- uses: string.gsub with a function and a table, long strings
local template = [==[
Dear ${customer.name},
your order ${id} ([[${state}]]) comes to ${total|%.2f} EUR.
${missing}]==]

local function fill(template, data)
  return (template:gsub("%${([%w%.]+)|?([^}]*)}", function(path, format)
    local value = data
    for key in path:gmatch("[^%.]+") do
      value = type(value) == "table" and value[key] or nil
    end
    if value == nil then return "<" .. path .. "?>" end
    return format ~= "" and format:format(value) or tostring(value)
  end))
end

print(fill(template, { id = 4711, state = "paid", total = 12.5, customer = { name = "Zoe" } }))
print((("$a and $b"):gsub("%$(%w)", { a = "A" })))

-- prints:
--> Dear Zoe,
--> your order 4711 ([[paid]]) comes to 12.50 EUR.
--> <missing?>
--> A and $b
