-- expect: success|timeout
-- attacks: %q of binary megabytes
local s = string.rep("\0\n\r\"\\\255", 3e5)
local q = string.format("%q", s)
assert(#q > #s)
