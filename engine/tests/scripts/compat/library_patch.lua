-- lua: 5.1 | refused: the library's tables are read-only
-- uses: functions that are set in the library's tables, as many modules begin
-- instead: a local function, or a copy of the table under its name
table.unpack = table.unpack or unpack

function string.split(s, separator)
  local parts = {}
  for part in (s .. separator):gmatch("(.-)" .. separator) do
    parts[#parts + 1] = part
  end
  return parts
end

print(#string.split("a,b,c", ","), table.unpack({ 1, 2 }))

-- prints:
--> 3	1	2

-- raises here:
--> library_patch.lua:4: attempt to modify a readonly table (table is the library's, and read-only: use a local function, or a copy, local table = table.clone(table))
