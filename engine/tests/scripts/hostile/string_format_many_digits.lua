-- expect: timeout|success
-- attacks: string.format looks once; a conversion with 99 digits of 1e308 takes 13 us
local k = 32 * 2 ^ 20 // 3200
local numbers = table.create(k, 1e308)
local format = string.rep("%.99f", k)
local began = os.clock()
string.format(format, table.unpack(numbers))
print(os.clock() - began)
