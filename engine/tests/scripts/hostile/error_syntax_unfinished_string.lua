-- expect: failure
-- attacks: source ending inside a long string
local x = [==[ this never ends ]=]
