-- expect: failure|memory_limit|timeout
-- attacks: json.encode of shared tables, exponential in size
local t = { "leaf" }
for i = 1, 60 do t = { t, t } end
return #json.encode(t)
