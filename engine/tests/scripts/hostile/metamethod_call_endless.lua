-- expect: timeout
-- attacks: a callable table as endless iterator and as callback
local c = setmetatable({}, { __call = function(self, _, k) return (k or 0) + 1 end })
for k in c do end
