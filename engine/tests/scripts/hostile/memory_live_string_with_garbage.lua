-- expect: success|timeout
-- attacks: one live string of 14 MB while garbage is made
local live = string.rep("x", 14e6)
for i = 1, 3000 do
	local _ = { string.rep("g", 1000 + i), { i } }
end
assert(#live == 14e6)
