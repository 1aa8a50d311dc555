-- expect: success
-- attacks: vectors of NaN, infinities and huge components in every function
local vs = { vector.create(0 / 0, math.huge, -math.huge), vector.create(1e308, -1e308, 5e-324), vector.zero }
for _, f in vector do
	if type(f) == "function" then
		for _, a in vs do
			pcall(f, a)
			for _, b in vs do pcall(f, a, b) pcall(f, a, b, 0 / 0) pcall(f, a, b, a) end
		end
	end
end
for _, a in vs do pcall(function() return a / 0, a // 0, -a, a * a, a == a, a.x, a.Y end) pcall(function() return a.w end) end
assert(not pcall(function() vs[1].x = 1 end))
