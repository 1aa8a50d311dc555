local function lazy(n, make)
  return setmetatable({}, {
    __index = function(_, i) if i <= n then return make(i) end end,
    __len = function() return n end,
  })
end

local function copy(list)
  local result = {}
  for i = 1, #list do result[i] = list[i] end
  return result
end

local squares = lazy(4, function(i) return i * i end)
print(#squares, squares[3])
for i = 1, #squares do print(i, squares[i]) end
print(pcall(table.concat, copy(squares), ","))
