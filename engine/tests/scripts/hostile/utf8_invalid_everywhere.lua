-- expect: success
-- attacks: utf8 functions over invalid sequences
for _, s in { "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "a\xe2\x82", "\xf8\x88\x80\x80\x80" } do
	assert(utf8.len(s) == nil)
	assert(not pcall(function() for _ in utf8.codes(s) do end end))
	pcall(utf8.codepoint, s)
	pcall(utf8.offset, s, 2)
end
