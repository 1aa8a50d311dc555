-- expect: success
-- attacks: __mode of odd values, set and changed while in use
local mt = { __mode = "k" }
local t = setmetatable({}, mt)
for i = 1, 2000 do
	t[{}] = i
	mt.__mode = if i % 3 == 0 then "kvs" elseif i % 3 == 1 then 7 else nil
	if i % 100 == 0 then string.rep("g", 1e5) end
end
