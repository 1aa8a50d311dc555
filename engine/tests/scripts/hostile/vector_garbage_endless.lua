-- expect: timeout
-- attacks: vector arithmetic and vectors stored for ever
local v, t = vector.one, {}
while true do
	v = v * 1.0001 + vector.create(1, 2, 3)
	t[1] = v
end
