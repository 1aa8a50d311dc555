-- expect: success|timeout
-- attacks: a live buffer of 14 MB while buffers become garbage
local live = buffer.create(14e6)
for i = 1, 60 do
	local b = buffer.create(1e6)
	buffer.writeu8(live, i, buffer.readu8(b, i))
end
assert(buffer.len(live) == 14e6)
