-- expect: timeout
-- attacks: continue jumping to an until condition that never holds
local n = 0
repeat
	n += 1
	if n > 0 then continue end
	break
until false
