-- expect: timeout
-- attacks: json.encode next to metamethods that never return
local t = setmetatable({}, { __index = function() while true do end end, __len = function() while true do end end })
pcall(json.encode, t)
pcall(json.encode, { t })
return t.x
