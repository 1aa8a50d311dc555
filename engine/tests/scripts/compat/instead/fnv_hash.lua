-- 16777619 is 2^24 + 0x193: the two products stay below 2^53.
local function times_prime(hash)
  return (bit32.lshift(hash, 24) + hash * 0x193) % 2 ^ 32
end

local function fnv1a(text)
  local hash = 2166136261
  for i = 1, #text do
    hash = times_prime(bit32.bxor(hash, text:byte(i)))
  end
  return hash
end

for _, key in ipairs { "", "moon", "user:4711" } do
  print(("%08x"):format(fnv1a(key)), fnv1a(key) % 16)
end
