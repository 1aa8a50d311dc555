local string = table.clone(string)

function string.split(s, separator)
  local parts = {}
  for part in (s .. separator):gmatch("(.-)" .. separator) do
    parts[#parts + 1] = part
  end
  return parts
end

print(#string.split("a,b,c", ","), table.unpack({ 1, 2 }))
