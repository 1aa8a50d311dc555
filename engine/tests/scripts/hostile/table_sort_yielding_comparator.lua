-- expect: success
-- attacks: a comparator that yields must be refused or work, never crash
local co = coroutine.create(function()
	table.sort({ 3, 2, 1 }, function(a, b) coroutine.yield() return a < b end)
end)
for i = 1, 20 do coroutine.resume(co) end
