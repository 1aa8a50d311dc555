-- expect: timeout
-- attacks: whole-string functions over megabytes for ever
local s = string.rep("aB", 2e6)
while true do
	s = string.lower(string.upper(string.reverse(s)))
end
