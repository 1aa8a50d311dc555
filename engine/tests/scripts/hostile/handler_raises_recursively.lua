-- expect: success
-- attacks: handlers that call xpcall with handlers that raise, to some depth
local function h(n)
	return function()
		if n > 0 then xpcall(error, h(n - 1)) end
		error("level " .. n)
	end
end
assert(not xpcall(error, h(50)))
