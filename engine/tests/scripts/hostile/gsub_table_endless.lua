-- expect: timeout
-- attacks: gsub with a table replacement over megabytes
local map = { a = "b" }
while true do
	string.gsub(string.rep("a", 1e6), ".", map)
end
