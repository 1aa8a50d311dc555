-- expect: success
-- attacks: json.encode of a very deep table must be refused
local t = {}
for i = 1, 1e5 do t = { t } end
assert(not pcall(json.encode, t))
