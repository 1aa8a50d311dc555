-- expect: success
-- attacks: CONFIG is deeply read-only
local function check(t, depth)
	if type(t) ~= "table" or depth > 5 then return end
	assert(not pcall(function() t.hacked = 1 end))
	assert(not pcall(rawset, t, "hacked", 1))
	assert(not pcall(table.insert, t, 1))
	assert(not pcall(table.clear, t))
	assert(not pcall(setmetatable, t, {}))
	for _, v in t do check(v, depth + 1) end
end
check(CONFIG, 0)
check(META, 0)
