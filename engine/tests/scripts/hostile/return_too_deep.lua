-- expect: failure
-- attacks: a returned value 200 levels deep
local t = {}
for i = 1, 200 do t = { t } end
return t
