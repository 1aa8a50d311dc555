-- expect: timeout
-- attacks: filling and copying 10 MB for ever
local b = buffer.create(1e7)
while true do
	buffer.fill(b, 0, 255)
	buffer.copy(b, 1, b, 0, 1e7 - 1)
end
