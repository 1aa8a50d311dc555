-- expect: success
-- attacks: coroutines that die of nil, tables, themselves and overflows
for _, e in { false, 0 / 0, {}, print, vector.zero } do
	local ok = coroutine.resume(coroutine.create(function() error(e) end))
	assert(ok == false)
end
local co
co = coroutine.create(function() error(co) end)
local ok, e = coroutine.resume(co)
assert(not ok and e == co)
local ok, e = coroutine.close(co)
assert(ok == false)
