-- expect: success
-- attacks: writing to, clearing and refreezing every library table
for _, lib in { string, table, math, coroutine, debug, os, bit32, buffer, utf8, vector, json, io, io.stdout, io.stderr } do
	if type(lib) == "table" then
		assert(not pcall(function() lib.hacked = 1 end))
		assert(not pcall(rawset, lib, "hacked", 1))
		assert(not pcall(table.clear, lib))
		assert(not pcall(table.insert, lib, 1))
		assert(not pcall(setmetatable, lib, { __index = print }))
		for k in lib do assert(not pcall(function() lib[k] = nil end)) break end
	end
end
