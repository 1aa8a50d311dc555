-- expect: success|timeout
-- attacks: comparators that sort in turn, two hundred levels deep
local function nest(n)
	if n == 0 then return end
	table.sort({ 2, 1 }, function(a, b) nest(n - 1) return a < b end)
end
pcall(nest, 250)
