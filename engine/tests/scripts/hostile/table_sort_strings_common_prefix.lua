-- expect: timeout
-- attacks: sorting long strings that differ at the end only
local prefix = string.rep("x", 10000)
local t = {}
for i = 1, 500 do t[i] = prefix .. (i * 7919) % 1000 end
while true do
	local copy = table.clone(t)
	table.sort(copy)
	table.sort(copy, function(a, b) return a > b end)
end
