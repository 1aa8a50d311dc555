-- expect: success
-- attacks: the metatables of ARGS, GET and POST give no way out
for _, t in { ARGS, GET, POST } do
	local mt = getmetatable(t)
	if type(mt) == "table" then
		pcall(rawset, mt, "__index", function() return "owned" end)
		if type(mt.__index) == "table" then pcall(rawset, mt.__index, "x", "owned") end
	end
	pcall(setmetatable, t, { __index = function() return "owned" end })
	pcall(rawset, t, "leaked", "owned")
end
