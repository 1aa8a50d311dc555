-- expect: success
-- attacks: pcall(pcall, coroutine.yield) and its kin, resumed many times
local co = coroutine.create(function()
	return pcall(pcall, pcall, xpcall, coroutine.yield, function() error("h") end, 1, 2, 3)
end)
for i = 1, 5 do coroutine.resume(co, i, error) end
assert(coroutine.status(co) == "dead")
