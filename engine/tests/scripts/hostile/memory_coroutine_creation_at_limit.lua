-- expect: success|timeout|memory_limit
-- attacks: coroutines made and resumed while the memory is full
local keep, n = {}, 0
pcall(function() while true do n += 1 keep[n] = string.rep("x", 2e5 + n) end end)
local more = {}
pcall(function()
	while true do
		local co = coroutine.create(function() coroutine.yield(string.rep("z", 100)) end)
		more[#more + 1] = co
		coroutine.resume(co)
	end
end)
keep, more = nil, nil
