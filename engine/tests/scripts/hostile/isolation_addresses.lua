-- expect: success
-- attacks: addresses in tostring give nothing to work with
for _, v in { print, {}, coroutine.create(print), buffer.create(1), function() end, json.null } do
	local s = tostring(v)
	assert(type(s) == "string" and #s < 200)
	pcall(string.format, "%p", v)
end
