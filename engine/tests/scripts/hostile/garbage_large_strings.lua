-- expect: success|timeout
-- attacks: a hundred short-lived strings of a megabyte
for i = 1, 50 do local _ = string.rep("x", 1e6 + i) end
