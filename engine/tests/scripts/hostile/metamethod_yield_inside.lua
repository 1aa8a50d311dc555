-- expect: success
-- attacks: yields inside of every metamethod must be refused or work, never crash
local y = function() return coroutine.yield() end
local mt = { __index = y, __newindex = y, __add = y, __eq = y, __lt = y, __le = y, __concat = y, __len = y, __unm = y, __call = y, __iter = y }
local a, b = setmetatable({}, mt), setmetatable({}, mt)
for _, f in { function() return a.x end, function() a.x = 1 end, function() return a + b end, function() return a == b end,
	function() return a < b end, function() return a <= b end, function() return a .. b end, function() return #a end,
	function() return -a end, function() return a() end, function() for _ in a do end end } do
	local co = coroutine.create(f)
	for i = 1, 5 do coroutine.resume(co, 1) end
end
