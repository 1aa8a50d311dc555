-- expect: failure
-- attacks: an error travelling through fifty coroutine.wrap layers
local function layer(n)
	if n == 0 then error("deep") end
	coroutine.wrap(layer)(n - 1)
end
layer(50)
