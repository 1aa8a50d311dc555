-- expect: success
-- attacks: gsub with extreme maximum counts
for _, n in { -1, 0, 2 ^ 31 - 1, -2 ^ 31, 2 ^ 53, math.huge, -math.huge, 0 / 0 } do
	pcall(string.gsub, "aaaa", "a", "b", n)
end
