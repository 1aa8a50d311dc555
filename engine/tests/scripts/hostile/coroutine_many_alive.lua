-- expect: memory_limit|timeout
-- attacks: suspended coroutines kept alive without end
local keep = {}
while true do
	local co = coroutine.create(function(x) coroutine.yield(x) end)
	coroutine.resume(co, #keep)
	table.insert(keep, co)
end
