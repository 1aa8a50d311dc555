-- lua: 5.1 | runs
-- uses: table.getn, table.foreach, table.foreachi, table.maxn
local queue = { "first", "second", "third" }
print(table.getn(queue), table.maxn({ [1] = true, [10] = true }))
table.foreachi(queue, function(i, job) print(i, job) end)
local found = table.foreach({ state = "open" }, function(key, value)
  if value == "open" then return key end
end)
print(found)
while table.getn(queue) > 0 do
  io.write(table.remove(queue, 1), table.getn(queue) > 0 and ", " or "\n")
end

-- prints:
--> 3	10
--> 1	first
--> 2	second
--> 3	third
--> state
--> first, second, third
