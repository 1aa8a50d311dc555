-- lua: 5.1 | runs
-- uses: string.find with anchors, quoted fields, table.concat
local function fields(line)
  local row, at = {}, 1
  line = line .. ","
  while at <= #line do
    if line:sub(at, at) == '"' then
      local stop = at + 1
      while line:find('^""', stop) or not line:find('^"', stop) do
        stop = stop + (line:find('^""', stop) and 2 or 1)
      end
      row[#row + 1] = line:sub(at + 1, stop - 1):gsub('""', '"')
      at = stop + 2
    else
      local part, after = line:match("^([^,]*),()", at)
      row[#row + 1] = part
      at = after
    end
  end
  return row
end

for line in ('id,name,note\n7,"Luna, Zoe","says ""hi"""\n8,Max,\n'):gmatch("[^\n]+") do
  print(table.concat(fields(line), " | "))
end

-- prints:
--> id | name | note
--> 7 | Luna, Zoe | says "hi"
--> 8 | Max | 
