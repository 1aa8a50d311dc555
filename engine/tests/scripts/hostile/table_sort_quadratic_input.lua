-- expect: timeout
-- attacks: an input made to be the worst case by an adversary comparator
local n, val, frozen = 60000, {}, 0
local keys = {}
for i = 1, n do keys[i] = i val[i] = n + 1 end
table.sort(keys, function(x, y)
	if val[x] > n and val[y] > n then frozen += 1 val[x] = frozen end
	return val[x] < val[y]
end)
while true do end
