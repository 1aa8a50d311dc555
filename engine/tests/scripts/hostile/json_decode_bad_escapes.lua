-- expect: success
-- attacks: decoding bad escapes and raw control characters must be refused
for _, s in { '"\\x"', '"\\u12"', '"\\u12G4"', '"\\u"', '"\\"', '"\n"', '"\0"', '"\\U0001"', '"\\\'"', '"\\a"' } do
	assert(not pcall(json.decode, s), s)
end
