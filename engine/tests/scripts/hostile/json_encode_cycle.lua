-- expect: success
-- attacks: json.encode of cycles, functions, NaN and infinity must be refused
local t = {}
t.t = { { t } }
for _, v in { t, print, 0 / 0, math.huge, -math.huge, coroutine.create(print), { x = print } } do
	assert(not pcall(json.encode, v))
end
