-- lua: 5.4 | runs
-- uses: string.pack, string.unpack and string.packsize with endianness and lengths
local HEADER = ">I2I4s1B"

local function frame(kind, id, name, flags)
  return string.pack(HEADER, kind, id, name, flags)
end

local bytes = frame(1, 4711, "zoe", 255)
print(#bytes, (bytes:gsub(".", function(char) return ("%02x"):format(char:byte()) end)))
print(string.unpack(HEADER, bytes))
local stream, at = bytes .. frame(2, 7, "", 0), 1
while at <= #stream do
  local kind, id, name, flags, after = string.unpack(HEADER, stream, at)
  print(kind, id, ("%q"):format(name), flags)
  at = after
end
print(string.packsize("<i4i8d"), (pcall(string.unpack, ">I4", "abc")))

-- prints:
--> 11	000100001267037a6f65ff
--> 1	4711	zoe	255	12
--> 1	4711	"zoe"	255
--> 2	7	""	0
--> 20	false
