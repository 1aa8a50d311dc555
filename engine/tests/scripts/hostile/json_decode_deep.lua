-- expect: success
-- attacks: decoding nests of a hundred thousand brackets must be refused
for _, open in { "[", '{"a":', '[{"a":[' } do
	assert(not pcall(json.decode, string.rep(open, 1e5)))
end
assert(not pcall(json.decode, string.rep("[", 1e5) .. string.rep("]", 1e5)))
