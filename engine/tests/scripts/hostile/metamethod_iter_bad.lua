-- expect: success
-- attacks: __iter that returns nothing callable, raises or yields
for _, f in { function() end, function() return 1 end, function() error("no") end, function() return nil, nil, nil end } do
	assert(not pcall(function() for _ in setmetatable({}, { __iter = f }) do end end))
end
coroutine.resume(coroutine.create(function()
	for _ in setmetatable({}, { __iter = function() return coroutine.yield end }) do end
end))
