-- expect: memory_limit|timeout
-- attacks: a format made of 200 k items of 99 columns
local f = string.rep("%99d", 200)
local args = table.create(200, 1)
local out = {}
while true do table.insert(out, string.format(f, table.unpack(args)) .. #out) end
