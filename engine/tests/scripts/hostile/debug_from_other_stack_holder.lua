-- expect: success
-- attacks: debug.info of the parent's coroutine from its child
local parent = coroutine.running()
coroutine.wrap(function()
	for level = 0, 30 do pcall(debug.info, parent, level, "slnaf") end
	debug.traceback(parent)
	string.gsub("x", "x", function() debug.traceback(parent) end)
end)()
