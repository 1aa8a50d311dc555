-- expect: success
-- attacks: errors from within callbacks, a hundred deep
local function nest(n)
	if n == 0 then error("bottom") end
	string.gsub("x", "x", function() nest(n - 1) end)
end
assert(not pcall(nest, 100))
