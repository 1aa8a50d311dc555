-- expect: memory_limit|timeout
-- attacks: suspended coroutines each holding a deep stack
local function dive(n) if n == 0 then coroutine.yield() else dive(n - 1) end return n end
local keep = {}
while true do
	local co = coroutine.create(dive)
	coroutine.resume(co, 5000)
	table.insert(keep, co)
end
