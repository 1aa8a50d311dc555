-- expect: success
-- attacks: no table in reach of any value lets itself be written except the script's own
local seen, queue = {}, { _G, getmetatable(""), string, json, io, debug, CONFIG, META }
local own = {}
while #queue > 0 do
	local v = table.remove(queue)
	if type(v) == "table" and not seen[v] then
		seen[v] = true
		for k, x in next, v do
			if v ~= _G then table.insert(queue, k) table.insert(queue, x) end
		end
		local mt = getmetatable(v)
		if type(mt) == "table" then table.insert(queue, mt) end
		if v ~= _G and v ~= own then assert(not pcall(rawset, v, "hacked", 1)) end
	end
end
