-- expect: success
-- attacks: extremes of numbers turned to text in every way
for _, v in { 1e308, -1e308, 5e-324, 2 ^ 53, -0, 1 / 3, 1e21, 1e-7, math.huge, -math.huge, 0 / 0, math.pi } do
	local _ = tostring(v) .. v .. `{v}`
	for _, f in { "%g", "%.99g", "%a", "%.99e", "%f", "%99.0f" } do pcall(string.format, f, v) end
end
