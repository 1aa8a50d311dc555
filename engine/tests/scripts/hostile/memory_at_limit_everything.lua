-- expect: success|timeout|memory_limit
-- attacks: calling much of the library while the memory is full
local keep, n = {}, 0
pcall(function() while true do n += 1 keep[n] = string.rep("x", 2e5 + n) end end)
for _, lib in { string, table, math, coroutine, debug, os, bit32, utf8, json } do
	for _, f in lib do
		if type(f) == "function" and f ~= coroutine.yield then pcall(f, "abc", 5, "x") pcall(f, { 1, 2 }, 1) end
	end
end
keep = nil
