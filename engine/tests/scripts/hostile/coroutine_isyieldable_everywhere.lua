-- expect: success
-- attacks: isyieldable and running in the main script, coroutines and callbacks
local function ask() return coroutine.isyieldable(), coroutine.running(), coroutine.running() and coroutine.status(coroutine.running()) end
ask()
coroutine.wrap(ask)()
table.sort({ 2, 1 }, function() ask() return false end)
string.gsub("x", "x", function() ask() end)
coroutine.wrap(function() table.sort({ 2, 1 }, function() ask() return false end) end)()
