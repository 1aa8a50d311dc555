-- expect: success|timeout
-- attacks: every function with every kind of single argument
local function values()
	return { true, 0, -1, 0.5, 2 ^ 53, 0 / 0, math.huge, "", "x", "%", {}, { 1, 2 }, print, function() return 1 end,
		coroutine.create(function() end), buffer.create(4), vector.one, json.null }
end
local libs = { string, table, math, coroutine, debug, os, bit32, buffer, utf8, vector, json,
	{ assert, error, ipairs, next, pairs, pcall, xpcall, rawequal, rawget, rawlen, rawset, select, getmetatable, setmetatable,
		tonumber, tostring, type, typeof, unpack, print, warn, io.write } }
for _, lib in libs do
	for _, f in lib do
		if type(f) == "function" and f ~= coroutine.yield then
			pcall(f)
			for _, v in values() do pcall(f, v) end
		end
	end
end
