-- expect: success
-- attacks: __tostring that returns no string, raises or yields
for _, f in { function() return 1 end, function() return nil end, function() return {} end, function() error({}) end,
	function() coroutine.yield() end, "not a function", {}, 5 } do
	local o = setmetatable({}, { __tostring = f })
	pcall(tostring, o)
	pcall(print, o)
	pcall(string.format, "%*", o)
	coroutine.resume(coroutine.create(function() print(o) end))
end
assert(not pcall(tostring, setmetatable({}, { __tostring = function() return {} end })))
