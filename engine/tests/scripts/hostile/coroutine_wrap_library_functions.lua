-- expect: success
-- attacks: library functions as coroutine bodies
for _, f in { pcall, xpcall, error, next, select, coroutine.yield, coroutine.running, coroutine.isyieldable, string.gsub, table.sort, print } do
	local co = coroutine.create(f)
	for i = 1, 3 do coroutine.resume(co, coroutine.yield, error, 1) end
	pcall(coroutine.close, co)
end
