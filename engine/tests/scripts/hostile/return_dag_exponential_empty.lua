-- expect: failure|timeout
-- attacks: shared nesting of empty tables, hardly any output per node
local t = {}
for i = 1, 100 do t = { t, t, t, t } end
return t
