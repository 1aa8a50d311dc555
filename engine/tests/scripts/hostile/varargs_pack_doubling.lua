-- expect: success|timeout
-- attacks: packing and unpacking twice as many values each time
local t = { 1 }
local ok = pcall(function()
	while true do t = table.pack(table.unpack(t, 1, #t), table.unpack(t, 1, #t)) t.n = nil t = { table.unpack(t), table.unpack(t) } end
end)
assert(not ok)
