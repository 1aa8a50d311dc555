-- lua: 5.4 | refused: bitwise operators
-- uses: ~ and & in a hash
-- instead: bit32.bxor, and products kept below 2^53
local function fnv1a(text)
  local hash = 2166136261
  for i = 1, #text do
    hash = ((hash ~ text:byte(i)) * 16777619) & 0xffffffff
  end
  return hash
end

for _, key in ipairs { "", "moon", "user:4711" } do
  print(("%08x"):format(fnv1a(key)), fnv1a(key) % 16)
end

-- prints:
--> 811c9dc5	5
--> f184ae40	0
--> 1db5e41b	11

-- raises here:
--> fnv_hash.lua:7: Expected ')' (to close '(' at column 13), got '~' (Luau has no ~ operator: use bit32.bxor(a, b))
