-- expect: success
-- attacks: __tostring that prints while being printed
local n = 0
local o
o = setmetatable({}, { __tostring = function() n += 1 if n < 50 then print(o) end return "o" .. n end })
print(o, o, o)
