-- lua: 5.1 | runs
-- uses: os.time of a date at noon, adding days, ISO dates by pattern
local function parse(date)
  local year, month, day = date:match("^(%d%d%d%d)-(%d%d)-(%d%d)$")
  if not year then return nil, "not a date: " .. date end
  return os.time { year = tonumber(year), month = tonumber(month), day = tonumber(day), hour = 12 }
end

local function add_days(date, days)
  local time = assert(parse(date))
  return os.date("!%Y-%m-%d", time + days * 24 * 60 * 60)
end

for _, date in ipairs { "2024-02-15", "2023-12-20", "2024-05-31" } do
  print(date, "due", add_days(date, 14))
end
print(parse("15.02.2024"))
print(math.floor(os.difftime(parse("2024-03-01"), parse("2024-02-01")) / 86400 + 0.5) .. " days")

-- prints:
--> 2024-02-15	due	2024-02-29
--> 2023-12-20	due	2024-01-03
--> 2024-05-31	due	2024-06-14
--> nil	not a date: 15.02.2024
--> 29 days
