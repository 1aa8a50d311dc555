-- expect: success
-- attacks: coroutines resumed within coroutines until the C stack limit
local depth = 0
local function nest()
	depth += 1
	local co = coroutine.create(nest)
	coroutine.resume(co)
end
pcall(nest)
assert(depth > 50)
