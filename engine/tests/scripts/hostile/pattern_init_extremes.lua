-- expect: success
-- attacks: string.find and match with extreme start positions
for _, init in { -2 ^ 31, 2 ^ 31 - 1, 2 ^ 53, -2 ^ 53, math.huge, -math.huge, 0 / 0, 0, -1 } do
	pcall(string.find, "abc", "b", init)
	pcall(string.find, "abc", "b", init, true)
	pcall(string.match, "abc", "()", init)
	pcall(string.find, "", "", init)
end
