-- expect: success|timeout
-- attacks: filling the memory with large strings once, catching it and letting go
local ok = pcall(function()
	local keep = {}
	for i = 1, 1e6 do keep[i] = string.rep("x", 1e6 + i) end
end)
assert(not ok)
return "freed"
