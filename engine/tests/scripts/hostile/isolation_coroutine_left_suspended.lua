-- expect: success
-- attacks: coroutines left suspended when the script ends
kept = {}
for i = 1, 100 do
	local co = coroutine.create(function() while true do pcall(coroutine.yield, string.rep("x", 1000)) end end)
	coroutine.resume(co)
	kept[i] = co
end
