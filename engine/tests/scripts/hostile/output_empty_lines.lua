-- expect: success|timeout
-- attacks: a hundred thousand empty prints
for i = 1, 1e5 do print() end
