-- lua: 5.4 | runs
-- uses: integer division, %, math.min, table.move
local function page(list, number, size)
  local pages = (#list + size - 1) // size
  number = math.max(1, math.min(number, pages))
  local first = (number - 1) * size + 1
  return table.move(list, first, math.min(first + size - 1, #list), 1, {}), number, pages
end

local ids = {}
for id = 10, 95, 10 do ids[#ids + 1] = id end
for _, wanted in ipairs { 1, 3, 99 } do
  local rows, number, pages = page(ids, wanted, 4)
  print(("page %d of %d: %s"):format(number, pages, table.concat(rows, ",")))
end
print(7 // 2, -7 // 2, 7 % -3, -7 % 3, 17 // 5 * 5 + 17 % 5)

-- prints:
--> page 1 of 3: 10,20,30,40
--> page 3 of 3: 90
--> page 3 of 3: 90
--> 3	-4	-2	2	17
