-- expect: success
-- attacks: every operator metamethod calling itself without end
local mt, o = {}, nil
local ops = {
	__add = function(a, b) return a + b end, __eq = function(a, b) return a == setmetatable({}, mt) end,
	__lt = function(a, b) return a < b end, __le = function(a, b) return a <= b end, __unm = function(a) return -a end,
	__concat = function(a, b) return a .. b end, __len = function(a) return #a end, __call = function(f, ...) return f(...) end,
	__mod = function(a, b) return a % b end, __idiv = function(a, b) return a // b end, __pow = function(a, b) return a ^ b end,
}
for k, f in ops do mt[k] = f end
o = setmetatable({}, mt)
for k, f in ops do assert(not pcall(f, o, setmetatable({}, mt)), k) end
