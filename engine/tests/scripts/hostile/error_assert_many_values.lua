-- expect: failure
-- attacks: assert with a false value, an odd message and many more values
assert(false, setmetatable({}, { __tostring = function() return 5 end }), table.unpack(table.create(200, "x")))
