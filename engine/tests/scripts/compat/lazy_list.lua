-- lua: 5.4 | differs: ipairs and table.concat read a table raw, not through __index
-- uses: ipairs over a proxy that makes its elements when they are read
-- instead: a loop that counts: for i = 1, n do
local function lazy(n, make)
  return setmetatable({}, {
    __index = function(_, i) if i <= n then return make(i) end end,
    __len = function() return n end,
  })
end

local squares = lazy(4, function(i) return i * i end)
print(#squares, squares[3])
for i, square in ipairs(squares) do print(i, square) end
print(pcall(table.concat, squares, ","))

-- prints:
--> 4	9
--> 1	1
--> 2	4
--> 3	9
--> 4	16
--> true	1,4,9,16

-- prints here:
--> 4	9
--> true	
