-- expect: timeout
-- attacks: gmatch over megabytes of empty matches, without end
local s = string.rep(" ", 4e6)
while true do
	for w in string.gmatch(s, "%w*") do end
end
