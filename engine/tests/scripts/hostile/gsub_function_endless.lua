-- expect: timeout
-- attacks: gsub with a function replacement over megabytes
while true do
	string.gsub(string.rep("a", 1e6), ".", function(c) return c end)
end
