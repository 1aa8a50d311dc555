-- expect: success
-- attacks: NaN, infinite and huge offsets and values
local b = buffer.create(16)
for _, v in { 0 / 0, math.huge, -math.huge, 2 ^ 53, -2 ^ 53, 2 ^ 32, 1e308, 0.5 } do
	for name, f in buffer do
		pcall(f, b, v, v)
		pcall(f, b, 0, v, v)
		pcall(f, b, v, b, v, v)
	end
end
assert(buffer.len(b) == 16)
