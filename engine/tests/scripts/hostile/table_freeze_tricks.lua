-- expect: success
-- attacks: a frozen table must refuse every way of writing
local t = table.freeze({ 1, 2, x = 1 })
assert(not pcall(function() t.x = 2 end))
assert(not pcall(function() t[3] = 2 end))
for _, f in { rawset, table.insert, table.remove, table.clear, table.sort, setmetatable, table.freeze } do
	assert(not pcall(f, t, 1, 2))
end
assert(not pcall(table.move, { 5 }, 1, 1, 1, t))
assert(t.x == 1 and #t == 2)
