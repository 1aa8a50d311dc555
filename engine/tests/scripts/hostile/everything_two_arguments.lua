-- expect: success|timeout
-- attacks: every function with pairs of arguments of many kinds
local function values() return { false, -1, 3, 2 ^ 31, "a", "%d", { 3, 1, 2 }, type, buffer.create(4), vector.one } end
local libs = { string, table, math, coroutine, debug, os, bit32, buffer, utf8, vector, json,
	{ assert, error, ipairs, next, pairs, pcall, xpcall, rawequal, rawget, rawset, select, setmetatable, tonumber, unpack, print } }
for _, lib in libs do
	for _, f in lib do
		if type(f) == "function" and f ~= coroutine.yield and f ~= string.rep then
			for _, a in values() do for _, b in values() do pcall(f, a, b) end end
		end
	end
end
