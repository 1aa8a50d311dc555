-- expect: failure
-- attacks: json.encode of what calls json.encode, or of a very deep table
local t = {}
for i = 1, 1e5 do t = { t } end
return json.encode(t)
