-- expect: failure
-- attacks: a returned value 100 000 levels deep
local t = {}
for i = 1, 1e5 do t = { child = t } end
return t
