-- expect: timeout
-- attacks: filling the memory with tables, catching, dropping, for ever
while true do
	pcall(function()
		local t = {}
		while true do t = { t, t, t, t } end
	end)
end
