-- expect: timeout
-- attacks: tracebacks of a deep stack for ever
local function dive(n)
	if n > 0 then dive(n - 1) end
	while true do debug.traceback() end
end
dive(5000)
