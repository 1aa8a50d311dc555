-- expect: memory_limit|timeout
-- attacks: __concat that returns an ever longer string
local s = "x"
local o = setmetatable({}, { __concat = function(a, b) s = s .. s return s end })
while true do local _ = o .. o end
