-- expect: success
-- attacks: keys that look like metamethods stay plain data
local t = json.decode('{"__index":{"a":1},"__metatable":1,"__gc":1,"__proto__":{"b":1},"__tostring":2}')
assert(getmetatable(t) == nil or type(getmetatable(t)) ~= "number")
assert(t.a == nil and t.b == nil)
tostring(t)
