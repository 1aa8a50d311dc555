-- expect: success
-- attacks: every math, bit32 and vector function with extreme numbers
local list = { 0, -0, 1, -1, 0.5, 2 ^ 31, -2 ^ 31, 2 ^ 32, 2 ^ 53, 1e308, -1e308, 5e-324, math.huge, -math.huge, 0 / 0 }
for _, lib in { math, bit32 } do
	for _, f in lib do
		if type(f) == "function" then
			for _, a in list do
				pcall(f, a)
				for _, b in list do pcall(f, a, b) pcall(f, a, b, a) end
			end
		end
	end
end
