-- lua: 5.4 | runs
-- uses: depth first search, string keys, error on a cycle, nested functions
local function order(graph)
  local done, result = {}, {}
  local function visit(name, path)
    if done[name] then return end
    if path:find("/" .. name .. "/", 1, true) then
      error("cycle: " .. path:sub(2) .. name, 0)
    end
    for _, needed in ipairs(graph[name] or {}) do visit(needed, path .. name .. "/") end
    done[name] = true
    result[#result + 1] = name
  end
  local names = {}
  for name in pairs(graph) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do visit(name, "/") end
  return result
end

print(table.concat(order { app = { "web", "db" }, web = { "log" }, db = { "log" }, log = {} }, " "))
print(pcall(order, { a = { "b" }, b = { "c" }, c = { "a" } }))

-- prints:
--> log web db app
--> false	cycle: a/b/c/a
