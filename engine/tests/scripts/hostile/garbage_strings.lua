-- expect: success|timeout
-- attacks: a hundred thousand short-lived strings
local s
for i = 1, 1e5 do s = "garbage " .. i end
assert(s == "garbage 100000")
