-- expect: success
-- attacks: none of the forbidden functions is there
for _, name in { "getfenv", "setfenv", "loadstring", "load", "loadfile", "dofile", "collectgarbage", "gcinfo", "newproxy", "package", "module", "rawprint" } do
	assert(_G[name] == nil, name)
end
assert(os.execute == nil and os.exit == nil and os.getenv == nil and os.remove == nil and os.rename == nil and os.tmpname == nil and os.setlocale == nil)
assert(io.open == nil and io.popen == nil and io.read == nil and io.lines == nil and io.tmpfile == nil)
assert(string.dump == nil and coroutine.finally == nil)
