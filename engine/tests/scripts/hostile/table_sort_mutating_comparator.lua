-- expect: success
-- attacks: a comparator that shrinks, grows, clears and freezes the table being sorted
local acts = { table.clear, table.remove, table.freeze, function(t) for i = 1, 5000 do t[#t + 1] = 0 end end }
for _, act in acts do
	local t = {}
	for i = 1, 500 do t[i] = (i * 7919) % 501 end
	local calls = 0
	pcall(table.sort, t, function(a, b)
		calls += 1
		if calls == 50 then pcall(act, t) end
		return (a or 0) < (b or 0)
	end)
end
