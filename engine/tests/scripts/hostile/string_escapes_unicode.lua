-- expect: success
-- attacks: strings with every escape and long zap sequences
local s = "\z
	\u{10FFFF}\u{0}\x00\xff\065\
"
assert(#s == 9)
assert(not pcall(utf8.char, 0x110000))
