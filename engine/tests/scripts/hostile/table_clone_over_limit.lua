-- expect: memory_limit|timeout
-- attacks: keeping every clone of a table
local t = table.create(1e5, 1)
local keep = {}
while true do table.insert(keep, table.clone(t)) end
