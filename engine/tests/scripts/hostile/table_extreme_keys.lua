-- expect: success
-- attacks: keys at the ends of every number range
local t = {}
for _, k in { 2 ^ 31 - 1, 2 ^ 31, -2 ^ 31, -2 ^ 31 - 1, 2 ^ 53, -2 ^ 53, math.huge, -math.huge, 5e-324, 1.5, 0, -0 } do
	t[k] = k
	assert(t[k] == k)
end
assert(not pcall(function() t[0 / 0] = 1 end))
assert(not pcall(function() t[nil] = 1 end))
assert(t[0 / 0] == nil and rawlen(t) >= 0)
