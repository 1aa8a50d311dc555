-- expect: timeout
-- attacks: short-lived tables for ever
while true do local _ = { {}, {} } end
