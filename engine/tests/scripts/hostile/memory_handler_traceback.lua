-- expect: success|timeout
-- attacks: traceback as handler with the memory nearly full
local keep = {}
local ok = xpcall(function()
	for i = 1, 1e6 do keep[i] = string.rep("x", 5e5 + i) end
end, debug.traceback)
keep = nil
assert(ok == false)
