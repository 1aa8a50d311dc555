-- expect: failure
-- attacks: recursion through gsub, sort, tostring, pcall and coroutines in turn
local function f(n)
	local k = n % 4
	if k == 0 then string.gsub("x", "x", function() f(n + 1) end)
	elseif k == 1 then table.sort({ 2, 1 }, function() f(n + 1) return false end)
	elseif k == 2 then return tostring(setmetatable({}, { __tostring = function() f(n + 1) return "" end }))
	else coroutine.wrap(f)(n + 1) end
end
f(0)
