-- expect: timeout
-- attacks: strings and buffers of 2 MB made from one another for ever
local b = buffer.create(2e6)
while true do b = buffer.fromstring(buffer.tostring(b)) end
