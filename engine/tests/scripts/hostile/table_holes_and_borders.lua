-- expect: success
-- attacks: tables full of holes; length, next, insert and unpack on them
local t = {}
for i = 1, 5000 do t[i] = i end
for i = 1, 5000, 2 do t[i] = nil end
for i = 1, 13 do t[2 ^ i] = nil t[2 ^ i + 1] = true end
for i = 1, 200 do t[#t + 1] = i local _ = table.remove(t, 1) end
local n = 0
for _ in next, t do n += 1 end
assert(n > 0 and #t >= 0)
