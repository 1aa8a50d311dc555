-- expect: timeout
-- attacks: __iter returning an iterator that never stops
local t = setmetatable({}, { __iter = function() return function(_, k) return (k or 0) + 1 end end })
for k in t do end
