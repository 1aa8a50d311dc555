-- expect: success
-- attacks: replacement strings and values gsub has to refuse
for _, r in { "%", "%2", "%z", "%9", "a%" } do
	assert(not pcall(string.gsub, "abc", "b", r), r)
end
assert(not pcall(string.gsub, "abc", "b", function() return {} end))
assert(not pcall(string.gsub, "abc", "b", { b = function() end }))
assert(not pcall(string.gsub, "abc", "b", true))
