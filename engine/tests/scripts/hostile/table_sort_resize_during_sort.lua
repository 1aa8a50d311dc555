-- expect: success
-- attacks: the array part is reallocated while sort holds it
local t = {}
for i = 1, 200 do t[i] = 200 - i end
pcall(table.sort, t, function(a, b)
	for i = 1, 10 do t["k" .. math.random(1e6)] = i end
	t[#t] = nil
	return a < b
end)
