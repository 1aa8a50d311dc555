-- expect: timeout
-- attacks: numeric for past 2^53 where adding 1 changes nothing
for i = 2 ^ 53, 2 ^ 53 + 4 do end
