-- expect: success
-- attacks: yielding and resuming with as many values as the stack takes
local co = coroutine.wrap(function(...)
	local n = select("#", ...)
	while true do n = select("#", coroutine.yield(table.unpack(table.create(7000, n)))) end
end)
local t = table.create(7000, 1)
for i = 1, 20 do pcall(co, table.unpack(t)) end
