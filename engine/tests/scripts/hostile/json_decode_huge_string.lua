-- expect: success|timeout|memory_limit
-- attacks: decoding one string of 4 MB
local s = json.decode('"' .. string.rep("x", 4e6) .. '"')
assert(#s == 4e6)
