-- expect: success
-- attacks: yields out of callbacks of C functions
local y = coroutine.yield
for _, f in { function() table.sort({ 3, 1, 2 }, y) end, function() string.gsub("abc", ".", y) end, function() table.foreach({ 1 }, y) end,
	function() table.foreachi({ 1 }, y) end, function() for a in y do end end, function() xpcall(y, y) end, function() xpcall(error, y) end,
	function() print(setmetatable({}, { __tostring = y })) end, function() json.encode(setmetatable({}, { __index = y, __len = y })) end } do
	local co = coroutine.create(f)
	for i = 1, 6 do coroutine.resume(co, 1) end
	pcall(coroutine.close, co)
end
