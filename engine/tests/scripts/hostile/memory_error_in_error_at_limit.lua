-- expect: success|timeout
-- attacks: errors raised within handlers while every byte is taken
local keep, n = {}, 0
pcall(function() while true do n += 1 keep[n] = string.rep("x", 5e5 + n) end end)
pcall(function() while true do n += 1 keep[n] = string.rep("x", 1000) .. n end end)
for i = 1, 100 do
	xpcall(error, function(m) error(m .. i) end, "message " .. i)
	pcall(function() local _ = {} .. i end)
end
keep = nil
