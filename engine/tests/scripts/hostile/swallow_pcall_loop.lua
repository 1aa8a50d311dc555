-- expect: timeout
-- attacks: pcall around an endless loop, in an endless loop
while true do
	pcall(function() while true do end end)
end
