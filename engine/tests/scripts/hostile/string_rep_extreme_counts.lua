-- expect: success
-- attacks: negative, NaN and infinite counts
for _, n in { -1, 0, -2 ^ 31, -2 ^ 53, -math.huge, 0 / 0 } do
	local ok, s = pcall(string.rep, "ab", n)
	assert(not ok or s == "")
end
