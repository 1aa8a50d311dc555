-- expect: timeout
-- attacks: moving a large array to and fro for ever
local t = table.create(5e5, true)
while true do
	table.move(t, 1, 5e5 - 1, 2)
	table.move(t, 2, 5e5, 1)
end
