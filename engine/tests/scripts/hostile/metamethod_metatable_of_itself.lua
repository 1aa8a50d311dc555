-- expect: success
-- attacks: tables that are their own metatable with every event set to themselves
local t = {}
for _, e in { "__index", "__newindex", "__call", "__concat", "__len", "__eq", "__lt", "__le", "__unm", "__iter", "__tostring", "__mode", "__metatable" } do
	t[e] = t
end
setmetatable(t, t)
for _, f in { function() return t.x end, function() t.x = 1 end, function() return t() end, function() return t .. t end,
	function() return #t end, function() return -t end, function() return t < t end, function() for _ in t do break end end,
	function() return tostring(t) end, function() return json.encode(t) end } do
	pcall(f)
end
