-- expect: timeout|memory_limit|success
-- attacks: weak tables that fill with dead entries
local weak = setmetatable({}, { __mode = "kv" })
for i = 1, 1e6 do
	weak[{}] = {}
end
