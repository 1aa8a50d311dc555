-- expect: timeout
-- attacks: utf8 functions over megabytes for ever
local s = string.rep("\u{20AC}", 1e6)
while true do
	local _ = utf8.len(s), utf8.offset(s, -1), utf8.offset(s, 9e5)
end
