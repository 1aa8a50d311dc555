-- expect: success|timeout
-- attacks: short-lived cycles of tables and closures
for i = 1, 30000 do
	local t = {}
	t.self, t.f = t, function() return t end
end
