-- expect: memory_limit|timeout
-- attacks: small tables kept for ever
local keep = {}
while true do table.insert(keep, {}) end
