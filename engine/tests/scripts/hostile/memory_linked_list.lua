-- expect: memory_limit|timeout
-- attacks: one linked list without end
local head
while true do head = { next = head } end
