-- expect: timeout
-- attacks: ten nested counted loops, ten to the twentieth turns
local n = 0
for a = 1, 100 do for b = 1, 100 do for c = 1, 100 do for d = 1, 100 do for e = 1, 100 do
	for f = 1, 100 do for g = 1, 100 do for h = 1, 100 do for i = 1, 100 do for j = 1, 100 do
		n += 1
	end end end end end
end end end end end
