-- expect: success
-- attacks: tonumber of megabytes, odd bases and odd spellings
assert(tonumber(string.rep("1", 1e6)) == math.huge)
assert(tonumber(string.rep("0", 1e6) .. "7") == 7)
pcall(tonumber, string.rep("z", 1e6), 36)
for _, base in { 0, 1, 37, -1, 2 ^ 31, 2 ^ 53 } do assert(not pcall(tonumber, "1", base)) end
for _, s in { "0x", "1e", "e1", "0b", "0b2", "1_", "--1", "", " ", "0x1p", "." } do
	assert(tonumber(s) == nil or s == "1_", s)
end
