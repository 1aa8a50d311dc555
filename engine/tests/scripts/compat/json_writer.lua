-- lua: 5.4 | runs
-- uses: recursion, string.format, \u escapes, string.gsub with a function
local function is_list(value)
  local n = 0
  for key in pairs(value) do
    if type(key) ~= "number" then return false end
    n = n + 1
  end
  return n == #value
end

local function write(value)
  if type(value) == "string" then
    return '"' .. value:gsub('[%c"\\]', function(char) return ("\\u%04x"):format(char:byte()) end) .. '"'
  elseif type(value) ~= "table" then
    return tostring(value)
  end
  local parts = {}
  if is_list(value) then
    for i, element in ipairs(value) do parts[i] = write(element) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, element in pairs(value) do parts[#parts + 1] = write(key) .. ":" .. write(element) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

print(write { id = 7, tags = { "new", "a\"b" }, price = 12.5, lines = { { sku = "x" } }, note = "\u{e9}\n" })

-- prints:
--> {"id":7,"lines":[{"sku":"x"}],"note":"é\u000a","price":12.5,"tags":["new","a\u0022b"]}
