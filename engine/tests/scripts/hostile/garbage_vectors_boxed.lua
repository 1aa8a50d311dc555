-- expect: success|timeout
-- attacks: vectors stored in short-lived tables
local t
for i = 1, 50000 do t = { vector.create(i, i, i) } end
