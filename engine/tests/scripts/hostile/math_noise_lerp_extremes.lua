-- expect: success
-- attacks: noise, map, lerp and clamp with infinities and inverted ranges
for _, v in { 1e308, math.huge, -math.huge, 0 / 0, 2 ^ 53 } do
	pcall(math.noise, v, v, v) pcall(math.map, v, v, v, v, v) pcall(math.lerp, v, -v, v) pcall(math.clamp, v, 1, 0)
	pcall(math.ldexp, v, v) pcall(math.frexp, v) pcall(math.fmod, v, 0) pcall(math.modf, v)
end
assert(not pcall(math.clamp, 1, 2, 1))
