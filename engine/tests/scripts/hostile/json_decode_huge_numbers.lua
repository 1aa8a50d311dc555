-- expect: success
-- attacks: numbers of a megabyte of digits and of absurd exponents
for _, s in { "1e999", "-1e999", "1e-999", "1e99999999999999999999", string.rep("9", 1e5), "0." .. string.rep("0", 1e5) .. "1", "1E400", "-0" } do
	local ok, v = pcall(json.decode, s)
	assert(not ok or type(v) == "number")
end
