-- expect: failure
-- attacks: os.time of a table whose __index never returns
os.time(setmetatable({}, { __index = function() while true do end end }))
while true do end
