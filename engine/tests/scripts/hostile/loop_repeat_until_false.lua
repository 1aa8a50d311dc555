-- expect: timeout
-- attacks: an endless repeat loop
repeat local x = 1 until x == 2
