-- expect: timeout
-- attacks: swallows the timeout and returns a value as if nothing had been
local function spin() while true do end end
local ok = pcall(spin)
return { ok = ok, done = true }
