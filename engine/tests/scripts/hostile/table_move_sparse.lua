-- expect: success|timeout
-- attacks: moving two elements that lie ten million apart
local source = { [1] = "first", [10000000] = "last" }
for _, t in { -5, 0, 1, 2, 3 } do
	pcall(table.move, source, 1, 10000000, t, {})
end
