-- expect: success|timeout
-- attacks: unpack of 400,000 absent keys, each looked for along a chain of 4,000 number keys that hash alike
local bxor, rshift, band = bit32.bxor, bit32.rshift, bit32.band
local function mul32(a, b)
  return (band(a, 0xffff) * b + (band(rshift(a, 16) * b, 0xffff) * 65536)) % 4294967296
end
local M, IM = 0x5bd1e995, 0
do local x = 1 for _ = 1, 5 do x = mul32(x, (2 - mul32(M, x)) % 4294967296) end IM = x end
local b = buffer.create(8)
local c = 0
local function key(H)
  while true do
    c += 1
    local h2 = mul32(H, IM); h2 = bxor(h2, rshift(c, 19))
    local h1 = mul32(c, IM); h1 = bxor(h1, rshift(h2, 17))
    h2 = mul32(h2, IM); h2 = bxor(h2, rshift(h1, 22))
    h1 = mul32(h1, IM); h1 = bxor(h1, rshift(h2, 18))
    if h2 < 0x7ff00000 then
      buffer.writeu32(b, 0, h1); buffer.writeu32(b, 4, h2)
      return buffer.readf64(b, 0)
    end
  end
end
local t, zero = {}, 0
for i = 1, 4000 do t[key(zero)] = i end
table.unpack(t, 2 ^ 30, 2 ^ 30 + 400000)
