-- expect: success
-- attacks: split at a separator that almost matches everywhere
local parts = string.split(string.rep("a", 4e6), string.rep("a", 2e6) .. "b")
return #parts
