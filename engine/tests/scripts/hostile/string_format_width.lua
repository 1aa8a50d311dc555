-- expect: success
-- attacks: widths and precisions that would overflow a fixed buffer
assert(#string.format("%99.99f", -1.7976931348623157e308) == 410)
assert(#string.format("%99d", 1) == 99)
for _, f in { "%100d", "%.100f", "%999999999s", "%-+ #0-+ #0d", "%.999999999s", "%1000000000000d" } do
	assert(not pcall(string.format, f, 1), f)
end
