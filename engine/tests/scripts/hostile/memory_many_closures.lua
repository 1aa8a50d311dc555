-- expect: memory_limit|timeout
-- attacks: closures with upvalues kept for ever
local keep = {}
while true do
	local n = #keep
	keep[n + 1] = function() n += 1 return n end
end
