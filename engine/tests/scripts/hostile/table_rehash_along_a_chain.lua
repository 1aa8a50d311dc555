-- expect: success|timeout
-- attacks: one assignment that rehashes a table whose keys were picked so that each reinserted one walks a long chain
local bxor, rshift, band = bit32.bxor, bit32.rshift, bit32.band
local function mul32(a, b)
  return (band(a, 0xffff) * b + (band(rshift(a, 16) * b, 0xffff) * 65536)) % 4294967296
end
local M, IM = 0x5bd1e995, 0
do local x = 1 for _ = 1, 5 do x = mul32(x, (2 - mul32(M, x)) % 4294967296) end IM = x end
local b = buffer.create(8)
local c = 0
local function key(P)
  while true do
    c += 1
    local H = P + 2^20 * (c % 4096)
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
local S, n = 2^19, 20000
local m = (S/4 - n) // 2 - 100
local t = {}
for i = 1, S/4 + 1 do t[key(i)] = 1 end
for j = 1, m do t[key(S/2 - j)] = 1 end
for _ = 1, n do t[key(0)] = 1 end
for j = 1, m do t[key(S - j)] = 1 end
local count = S/4 + 1 + 2*m + n
while count < S/2 - 1 do t[key(1000 + count % 5000)] = 1; count += 1 end


local last = { key(1), key(2), key(3) }
for _, k in last do
    local began = os.clock()
    t[k] = 1
    print(os.clock() - began)
end
