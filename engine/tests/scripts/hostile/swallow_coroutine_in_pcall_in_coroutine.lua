-- expect: timeout
-- attacks: layers of coroutine and pcall in turn around a loop
local function layer(n)
	if n == 0 then while true do end end
	pcall(function() coroutine.wrap(function() layer(n - 1) end)() end)
	while true do end
end
layer(30)
