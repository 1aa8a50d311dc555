-- lua: 5.4 | runs
-- uses: os.time that normalizes days and months out of range
local function days_in(year, month)
  return tonumber(os.date("!%d", os.time { year = year, month = month + 1, day = 0, hour = 12 }))
end

local function add_months(year, month, n)
  return os.date("!%Y-%m", os.time { year = year, month = month + n, day = 1, hour = 12 })
end

for _, date in ipairs { { 2023, 2 }, { 2024, 2 }, { 2024, 4 }, { 2024, 12 } } do
  print(date[1], date[2], days_in(table.unpack(date)))
end
print(add_months(2024, 11, 3), add_months(2024, 1, -1), add_months(2024, 5, 24))

-- prints:
--> 2023	2	28
--> 2024	2	29
--> 2024	4	30
--> 2024	12	31
--> 2025-02	2023-12	2026-05
