-- expect: success
-- attacks: assigning nil and new keys while walking the table
local t = {}
for i = 1, 1000 do t["k" .. i] = i end
local steps = 0
pcall(function()
	for k in pairs(t) do
		steps += 1
		t[k] = nil
		if steps < 5000 then t["n" .. steps] = steps end
	end
end)
