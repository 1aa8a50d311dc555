-- expect: timeout
-- attacks: a coroutine yields from inside its pcall after each stop
local co = coroutine.wrap(function()
	while true do
		pcall(function() for i = 1, 1e9 do end end)
		coroutine.yield("still here")
	end
end)
while true do pcall(co) end
