-- expect: success
-- attacks: many large allocations refused, then ordinary work
for i = 1, 200 do
	pcall(string.rep, "x", 5e8)
	pcall(table.create, 4e7)
	pcall(buffer.create, 6e8)
end
local t = {}
for i = 1, 1000 do t[i] = { i } end
return #t
