-- expect: timeout
-- attacks: a gsub callback that swallows the timeout for every character
string.gsub(string.rep("a", 1e5), "a", function()
	pcall(function() while true do end end)
end)
