-- expect: timeout
-- attacks: tables grown by appending and dropped, for ever
while true do
	local t = {}
	for i = 1, 1e5 do t[i] = i end
end
