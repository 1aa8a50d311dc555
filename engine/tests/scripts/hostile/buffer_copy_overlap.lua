-- expect: success
-- attacks: overlapping copies within one buffer
local b = buffer.fromstring("0123456789")
buffer.copy(b, 2, b, 0, 8)
assert(buffer.tostring(b) == "0101234567")
buffer.copy(b, 0, b, 2, 8)
assert(buffer.tostring(b) == "0123456767")
buffer.copy(b, 10, b, 10, 0)
