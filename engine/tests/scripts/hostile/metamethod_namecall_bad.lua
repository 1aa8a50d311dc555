-- expect: success
-- attacks: method calls on values that have no such method
for _, v in { 1, true, vector.zero, {}, print, coroutine.create(print), buffer.create(1) } do
	assert(not pcall(function() return v:missing() end))
end
assert(not pcall(function() return ("x"):missing() end))
assert(not pcall(function() return (nil :: any):missing() end))
