-- expect: timeout
-- attacks: numeric for with a step too small to move the counter
for i = 1, 2, 1e-300 do end
