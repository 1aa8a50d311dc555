-- expect: success
-- attacks: __iter, __index and namecall tricks on the string library through a string
assert(not pcall(function() ("x").y = 1 end))
for k, f in getmetatable("").__index or {} do pcall(function() string[k] = print end) end
assert(("abc"):upper() == "ABC" and string.upper ~= print)
