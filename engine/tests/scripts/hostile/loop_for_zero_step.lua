-- expect: timeout
-- attacks: numeric for with step 0 going down, which never ends
for i = 10, 1, 0 do end
