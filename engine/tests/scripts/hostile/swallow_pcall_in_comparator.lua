-- expect: timeout
-- attacks: a sort comparator that swallows the timeout each time
local t = table.create(1000, 1)
table.sort(t, function(a, b)
	pcall(function() while true do end end)
	return false
end)
