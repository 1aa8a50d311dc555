-- expect: success
-- attacks: os.time with extreme, missing and wrong fields
for _, v in { 2 ^ 31 - 1, -2 ^ 31, 2 ^ 53, -2 ^ 53, math.huge, -math.huge, 0 / 0, 1e308, "x", {}, 1.5 } do
	for _, field in { "year", "month", "day", "hour", "min", "sec", "isdst" } do
		local t = { year = 2020, month = 1, day = 1, hour = 0, min = 0, sec = 0 }
		t[field] = v
		pcall(os.time, t)
	end
end
assert(not pcall(os.time, {}))
pcall(os.time, setmetatable({}, { __index = function() return 1 end }))
pcall(os.difftime, math.huge, -math.huge)
