-- expect: success|timeout
-- attacks: a live array of 8 MB while strings of megabytes become garbage
local live = table.create(5e5, 1)
for i = 1, 40 do
	local _ = string.rep("g", 2e6 + i)
end
assert(#live == 5e5)
