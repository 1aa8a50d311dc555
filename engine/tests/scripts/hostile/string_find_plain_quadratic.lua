-- expect: success
-- attacks: plain find of a long needle in a haystack of the same letter
local hay = string.rep("a", 4e6)
local needle = string.rep("a", 2e6) .. "b"
return string.find(hay, needle, 1, true)
