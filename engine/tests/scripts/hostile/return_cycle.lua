-- expect: failure
-- attacks: returning a table that holds itself
local t = { list = {} }
t.list[1] = t
return t
