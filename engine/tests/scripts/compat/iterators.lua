-- lua: 5.1 | runs
-- uses: stateless and closure iterators, coroutine.wrap as one
local function range(limit, i)
  i = i + 1
  if i <= limit then return i, i * i end
end

local function chunks(list, size)
  local at = 1 - size
  return function()
    at = at + size
    if at <= #list then return { unpack(list, at, math.min(at + size - 1, #list)) } end
  end
end

local function walk(tree, path)
  return coroutine.wrap(function()
    local function visit(node, path)
      for i, child in ipairs(node) do visit(child, path .. "/" .. child.name) end
      if #node == 0 then coroutine.yield(path) end
    end
    visit(tree, path)
  end)
end

for i, square in range, 3, 0 do io.write(i, "=", square, " ") end
print()
for chunk in chunks({ "a", "b", "c", "d", "e" }, 2) do io.write("[", table.concat(chunk, ","), "]") end
print()
for path in walk({ { name = "etc", { name = "hosts" } }, { name = "tmp" } }, "") do print(path) end

-- prints:
--> 1=1 2=4 3=9 
--> [a,b][c,d][e]
--> /etc/hosts
--> /tmp
