-- expect: timeout
-- attacks: backtracking restarted by pcall each time it is stopped
while true do
	pcall(string.find, string.rep("a", 40), string.rep("a-", 24) .. "b")
end
