-- lua: 5.1 | runs
-- uses: strings with NUL bytes, the class %z, # on bytes
local record = "zoe\0zoe@example.com\0\0"
local fields = {}
for field in record:gmatch("([^%z]*)%z") do
  fields[#fields + 1] = "<" .. field .. ">"
end
print(#record, #fields, table.concat(fields, " "))
print(record:find("\0", 1, true), (record:gsub("%z", "|")))
print(("h\195\169"):len(), ("\104\101"):upper(), ("tab\tend"):byte(4))

-- prints:
--> 21	3	<zoe> <zoe@example.com> <>
--> 4	zoe|zoe@example.com||
--> 3	HE	9
