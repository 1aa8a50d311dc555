-- expect: failure
-- attacks: raising a table that holds itself
local e = {}
e.self = e
error(e)
