-- expect: success
-- attacks: an object with the same key fifty thousand times
local t = json.decode("{" .. string.rep('"k":1,', 5000) .. '"k":2}')
assert(type(t) == "table" and t.k ~= nil)
