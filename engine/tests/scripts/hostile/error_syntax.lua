-- expect: failure
-- attacks: source that does not compile
local x = = 1
