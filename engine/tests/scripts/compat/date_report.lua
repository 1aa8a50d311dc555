-- lua: 5.1 | runs
-- uses: os.date in UTC with a time given, *t, weekdays
local events = { { "launch", 1714811640 }, { "landing", 1715157240 }, { "epoch", 0 } }
for _, event in ipairs(events) do
  local name, time = event[1], event[2]
  local parts = os.date("!*t", time)
  print(string.format("%-8s %s %02d:%02d day %d of the year, weekday %d", name, os.date("!%Y-%m-%d", time),
    parts.hour, parts.min, parts.yday, parts.wday), parts.isdst)
end
print(os.date("!%A, %d %B %Y, %H:%M:%S", 1714811640))
print(type(os.time()), type(os.clock()), os.difftime(1715157240, 1714811640) / 86400)

-- prints:
--> launch   2024-05-04 08:34 day 125 of the year, weekday 7	false
--> landing  2024-05-08 08:34 day 129 of the year, weekday 4	false
--> epoch    1970-01-01 00:00 day 1 of the year, weekday 5	false
--> Saturday, 04 May 2024, 08:34:00
--> number	number	4
