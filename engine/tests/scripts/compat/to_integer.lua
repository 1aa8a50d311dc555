-- lua: 5.4 | refused: math.tointeger
-- uses: math.tointeger to read a page number
-- instead: tonumber and a check of n % 1 == 0
local function page_of(text)
  local number = math.tointeger(tonumber(text))
  if not number or number < 1 then return nil, "not a page: " .. text end
  return number
end

for _, text in ipairs { "3", "2.0", "2.5", "x" } do
  print(text, page_of(text))
end

-- prints:
--> 3	3
--> 2.0	2
--> 2.5	nil	not a page: 2.5
--> x	nil	not a page: x

-- raises here:
--> to_integer.lua:5: attempt to call a nil value (math.tointeger is not in Luau: all numbers are doubles; use tonumber, and x % 1 == 0)
