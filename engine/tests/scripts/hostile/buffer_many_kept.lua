-- expect: memory_limit|timeout
-- attacks: many small buffers kept alive
local keep = {}
while true do table.insert(keep, buffer.create(1000)) end
