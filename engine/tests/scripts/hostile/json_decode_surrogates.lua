-- expect: success
-- attacks: lone and reversed surrogates are valid text
for _, s in { '"\\ud800"', '"\\udc00"', '"\\ud800x"', '"\\ud800\\u0041"', '"\\udc00\\ud800"', '"\\ud800\\ud800"' } do
	local ok, v = pcall(json.decode, s)
	assert(ok and utf8.len(v))
end
assert(json.decode('"\\ud83d\\ude00"') == "\u{1F600}")
