-- expect: success|timeout
-- attacks: a returned table with an endless __iter and __len
return setmetatable({}, { __iter = function() return function(_, k) return (k or 0) + 1, 1 end end, __len = function() return 1e9 end })
