-- expect: timeout
-- attacks: busy waiting on the clock
local stop = os.clock() + 1e6
repeat until os.clock() > stop
