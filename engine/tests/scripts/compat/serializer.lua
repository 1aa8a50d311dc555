-- lua: 5.1 | runs
-- uses: recursion, %q, sorted keys, cycle detection
local function serialize(value, indent, seen)
  if type(value) == "string" then return string.format("%q", value) end
  if type(value) ~= "table" then return tostring(value) end
  if seen[value] then return "<cycle>" end
  seen[value] = true
  local keys, lines = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, key in ipairs(keys) do
    local name = type(key) == "string" and key or "[" .. tostring(key) .. "]"
    lines[#lines + 1] = indent .. "  " .. name .. " = " .. serialize(value[key], indent .. "  ", seen)
  end
  seen[value] = nil
  return "{\n" .. table.concat(lines, ",\n") .. "\n" .. indent .. "}"
end

local order = { id = 7, tags = { "new", 'say "hi"\n' }, paid = false }
order.self = order
print(serialize(order, "", {}))

-- prints:
--> {
-->   id = 7,
-->   paid = false,
-->   self = <cycle>,
-->   tags = {
-->     [1] = "new",
-->     [2] = "say \"hi\"\
--> "
-->   }
--> }
