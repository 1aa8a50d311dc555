-- expect: success
-- attacks: a returned table whose metamethods all raise
local no = function() error("metamethod called") end
return setmetatable({ a = 1 }, { __index = no, __len = no, __iter = no, __tostring = no, __call = no, __eq = no, __pairs = no })
