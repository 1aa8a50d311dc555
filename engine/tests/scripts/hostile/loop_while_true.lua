-- expect: timeout
-- attacks: an empty endless while loop
while true do end
