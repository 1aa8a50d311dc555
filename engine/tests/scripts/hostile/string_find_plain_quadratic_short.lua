-- expect: timeout
-- attacks: find without special characters takes the plain path too
local hay = string.rep("a", 6e6)
local needle = string.rep("a", 1e5) .. "b"
for i = 1, 1000 do string.find(hay, needle) end
