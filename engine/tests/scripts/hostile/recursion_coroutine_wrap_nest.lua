-- expect: failure
-- attacks: coroutine.wrap within coroutine.wrap, the error travels out
local function nest() coroutine.wrap(nest)() end
nest()
