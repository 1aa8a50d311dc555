-- expect: success
-- attacks: every read and write outside of an eight byte buffer must be refused
local b = buffer.create(8)
for _, name in { "i8", "u8", "i16", "u16", "i32", "u32", "f32", "f64" } do
	for _, at in { -1, 8, 9, -2 ^ 31, 2 ^ 31 - 1, 2 ^ 31 - 4, -8, 1e9 } do
		assert(not pcall(buffer["read" .. name], b, at), name)
		assert(not pcall(buffer["write" .. name], b, at, 1), name)
	end
end
assert(buffer.tostring(b) == string.rep("\0", 8))
