-- expect: success
-- attacks: yielding out of a gsub callback must be refused or work, never crash
local co = coroutine.create(function()
	return string.gsub("abc", ".", function(c) return coroutine.yield(c) end)
end)
for i = 1, 10 do coroutine.resume(co, "z") end
