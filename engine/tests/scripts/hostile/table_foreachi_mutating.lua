-- expect: success
-- attacks: foreachi whose callback clears and refills the table
local t = table.create(1000, 1)
table.foreachi(t, function(i)
	table.clear(t)
	for j = 1, 20 do t[j * i] = j end
end)
