-- expect: timeout
-- attacks: cloning a table of 4 MiB for ever
local t = table.create(2.5e5, 1)
while true do t = table.clone(t) end
