-- expect: failure
-- attacks: shared tables, small in memory and endless as JSON
local t = { "leaf" }
for i = 1, 60 do t = { t, t } end
return t
