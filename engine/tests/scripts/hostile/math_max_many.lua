-- expect: success
-- attacks: math.max and min over thousands of values
local t = table.create(7000, 1)
t[7000] = 0 / 0
pcall(math.max, table.unpack(t))
pcall(math.min, table.unpack(t))
pcall(bit32.band, table.unpack(t))
assert(not pcall(math.max))
