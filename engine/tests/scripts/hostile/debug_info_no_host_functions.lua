-- expect: success
-- attacks: functions found on the stack must be the script's own or the library's
for level = 0, 50 do
	local ok, f, source = pcall(debug.info, level, "fs")
	if ok and f then
		assert(type(f) == "function" and type(source) == "string")
		pcall(rawset, f, 1, 1)
	end
end
assert(debug.getupvalue == nil and debug.setupvalue == nil and debug.getregistry == nil and debug.sethook == nil)
assert(debug.getinfo == nil and debug.setmetatable == nil and debug.getmetatable == nil and debug.getlocal == nil)
