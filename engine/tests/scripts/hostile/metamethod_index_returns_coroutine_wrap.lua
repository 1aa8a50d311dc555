-- expect: success
-- attacks: library functions of odd kinds as metamethods
for _, f in { coroutine.wrap(function() while true do coroutine.yield(1) end end), string.rep, select, pcall, rawset, error, next, coroutine.running } do
	local t = setmetatable({}, { __index = f, __newindex = f, __add = f, __len = f, __tostring = f, __lt = f, __concat = f })
	pcall(function() return t.x end)
	pcall(function() t.x = 1 end)
	pcall(function() return t + t end)
	pcall(function() return #t end)
	pcall(function() return t < t end)
	pcall(function() return t .. "x" end)
	pcall(tostring, t)
end
