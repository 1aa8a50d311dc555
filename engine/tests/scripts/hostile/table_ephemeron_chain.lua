-- expect: success|timeout
-- attacks: weak-keyed chain in which each value holds the next key
local weak = setmetatable({}, { __mode = "k" })
local first = {}
local key = first
for i = 1, 20000 do
	local nextkey = {}
	weak[key] = nextkey
	key = nextkey
end
for i = 1, 20 do string.rep("garbage", 1e5) end
assert(weak[first])
