-- expect: success|timeout
-- attacks: a hundred thousand short-lived tables
for i = 1, 1e5 do local _ = { i, { i } } end
