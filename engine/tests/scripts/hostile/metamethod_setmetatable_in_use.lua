-- expect: success
-- attacks: the metatable is changed by its own metamethods while they run
local t = setmetatable({}, {})
local function swap() setmetatable(t, { __index = swap, __newindex = swap, __len = swap, __call = swap }) return 1 end
swap()
for i = 1, 1000 do
	local _ = t.x
	t[i] = i
	_ = #t
	t()
end
