-- expect: timeout
-- attacks: handler entered because of the timeout goes on looping
local function spin() while true do end end
xpcall(spin, function() pcall(spin) spin() end)
return "swallowed"
