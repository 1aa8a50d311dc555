-- expect: success
-- attacks: lone and reversed surrogates give an error or valid text
for _, s in { '"\\ud800"', '"\\udc00"', '"\\ud800x"', '"\\ud800\\u0041"', '"\\udc00\\ud800"', '"\\ud800\\ud800"' } do
	local ok, v = pcall(json.decode, s)
	assert(not ok or type(v) == "string")
end
assert(json.decode('"\\ud83d\\ude00"') == "\u{1F600}")
