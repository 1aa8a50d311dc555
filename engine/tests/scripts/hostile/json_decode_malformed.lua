-- expect: success
-- attacks: decoding every kind of broken text must be refused
for _, s in { "", " ", "{", "}", "[", "]", "[1,]", "{,}", '{"a"}', '{"a":}', "{a:1}", "nul", "tru", "truefalse", "1 2", "[1 2]", "'x'", "\0", "[1]\0",
	"+1", "01", "-", "1.", ".5", "1e", "1e+", "0x1", "NaN", "Infinity", "--1", '"', '"\\', "\xff", "[,1]", "//x", "/**/1" } do
	assert(not pcall(json.decode, s), s)
end
