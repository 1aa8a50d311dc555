-- expect: timeout
-- attacks: __len that never returns, met by the length operator
local t = setmetatable({}, { __len = function() while true do end end })
return #t
