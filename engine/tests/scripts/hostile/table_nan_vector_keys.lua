-- expect: success
-- attacks: vector keys with NaN components
local nan = vector.create(0 / 0, 1, 2)
assert(not pcall(function() local t = {} t[nan] = 1 end))
assert(not pcall(rawset, {}, nan, 1))
local t = { [vector.zero] = 1 }
assert(t[nan] == nil)
