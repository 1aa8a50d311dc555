-- lua: 5.1 | runs
-- uses: string.byte with a range, math.floor and % in place of bit operations
local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function encode(data)
  local out = {}
  for at = 1, #data, 3 do
    local a, b, c = data:byte(at, at + 2)
    local word = a * 65536 + (b or 0) * 256 + (c or 0)
    for place = 1, 4 do
      local index = math.floor(word / 64 ^ (4 - place)) % 64
      local padded = (place == 3 and not b) or (place == 4 and not c)
      out[#out + 1] = padded and "=" or ALPHABET:sub(index + 1, index + 1)
    end
  end
  return table.concat(out)
end

for _, text in ipairs { "", "M", "Ma", "Man", "user:secret\0\255" } do
  print(encode(text))
end

-- prints:
--> 
--> TQ==
--> TWE=
--> TWFu
--> dXNlcjpzZWNyZXQA/w==
