-- expect: timeout
-- attacks: short-lived tables of 4 MB for ever
while true do local _ = table.create(2.5e5, 1) end
