-- expect: timeout
-- attacks: gsub with a table whose __index never returns
string.gsub("abc", "%w", setmetatable({}, { __index = function() while true do end end }))
