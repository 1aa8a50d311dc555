-- expect: failure
-- attacks: returning infinity inside of a list
return { 1, 2, math.huge }
