-- expect: success|timeout
-- attacks: every library function as comparator, replacement, iterator and handler
for _, lib in { string, table, math, coroutine, debug, os, bit32, buffer, utf8, vector, json } do
	for _, f in lib do
		if type(f) == "function" and f ~= coroutine.yield then
			pcall(table.sort, { 3, 1, 2 }, f)
			pcall(string.gsub, "abc", ".", f)
			pcall(table.foreach, { 1, 2 }, f)
			xpcall(error, f, "x")
			pcall(function() local n = 0 for _ in f, {}, 1 do n += 1 if n > 5 then break end end end)
		end
	end
end
