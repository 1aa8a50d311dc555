-- expect: success
-- attacks: bytecode in a string cannot be made into a function
assert(loadstring == nil and load == nil)
local f = "\6\3\0\1\2"
assert(not pcall(f))
assert(not pcall(coroutine.create, f))
assert(not pcall(pcall(coroutine.wrap, f)))
