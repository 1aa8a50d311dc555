-- expect: success|timeout
-- attacks: five thousand short-lived buffers
for i = 1, 5000 do local _ = buffer.create(10000) end
