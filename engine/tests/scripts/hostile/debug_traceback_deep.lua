-- expect: success
-- attacks: debug.traceback of a stack of ten thousand frames
local function dive(n)
	if n == 0 then return debug.traceback() end
	local s = dive(n - 1)
	return s
end
assert(#dive(10000) < 1e6)
