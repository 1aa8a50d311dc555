-- expect: timeout
-- attacks: value encoding: each returned value has an entry counter of its own, so nothing ever looks at the deadline
local big = table.create(200000)
return table.unpack(table.create(60000, big))
