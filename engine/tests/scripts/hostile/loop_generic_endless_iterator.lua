-- expect: timeout
-- attacks: generic for over an iterator function that never returns nil
local function forever(_, n) return n + 1 end
for i in forever, nil, 0 do end
