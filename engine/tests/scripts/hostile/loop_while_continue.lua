-- expect: timeout
-- attacks: an endless loop whose body is only continue
while true do continue end
