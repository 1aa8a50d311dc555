-- expect: timeout|success
-- attacks: table.move looks every 256 elements; here every fourth insert rehashes a full table of 2^17 nodes
local t, source = {}, table.create(256)
for i = 0, 2 ^ 17 - 1 do t[-1 - i * 4] = true end
for i = 2, 256, 4 do source[i] = true end
local began = os.clock()
table.move(source, 1, 256, -8001, t)
print(os.clock() - began)
