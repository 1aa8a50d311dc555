-- expect: timeout
-- attacks: a coroutine iterator that loops inside a generic for under pcall
local function gen() while true do end end
pcall(function() for x in coroutine.wrap(gen) do end end)
return "swallowed"
