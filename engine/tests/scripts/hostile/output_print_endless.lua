-- expect: timeout
-- attacks: print in an endless loop
while true do print("flood") end
