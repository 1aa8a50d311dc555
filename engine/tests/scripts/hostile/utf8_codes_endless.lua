-- expect: timeout
-- attacks: iterating code points of a long string for ever
local s = string.rep("\u{1F600}", 1e6)
while true do for _, c in utf8.codes(s) do end end
