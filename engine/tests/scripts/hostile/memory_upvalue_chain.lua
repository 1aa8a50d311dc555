-- expect: memory_limit|timeout
-- attacks: each closure holds the one before it
local f = print
while true do
	local g = f
	f = function() return g end
end
