-- lua: 5.4 | refused: %F and %T of os.date
-- uses: C99 conversions in a date format
-- instead: %Y-%m-%d and %H:%M:%S
local function iso(time)
  return os.date("!%FT%TZ", time)
end

print(iso(0), iso(1714811640))

-- prints:
--> 1970-01-01T00:00:00Z	2024-05-04T08:34:00Z

-- raises here:
--> iso_timestamps.lua:5: invalid argument #1 to 'date' (invalid conversion specifier)
