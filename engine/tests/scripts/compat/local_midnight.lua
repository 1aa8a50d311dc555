-- lua: 5.1 | differs: os.time reads its table as UTC, not in the machine's time zone
-- uses: os.time of a local date
-- instead: offsets from UTC in the code; no result then depends on the machine
local function midnight(year, month, day)
  return os.time { year = year, month = month, day = day, hour = 0 }
end

-- The shop is in Berlin, and so is the machine's time zone.
for _, day in ipairs { 15, 16 } do
  print("opens", midnight(2024, 1, day) + 9 * 3600)
end

-- prints:
--> opens	1705305600
--> opens	1705392000

-- prints here:
--> opens	1705309200
--> opens	1705395600
