-- lua: 5.1 | refused: collectgarbage
-- uses: a weak table, collections forced to keep memory low
-- instead: nothing in its place; the engine collects in time
local sizes = setmetatable({}, { __mode = "k" })
local function import(rows)
  local total = 0
  for i = 1, rows do
    local row = { text = ("x"):rep(i % 10) }
    sizes[row] = #row.text
    total = total + sizes[row]
    if i % 100 == 0 then collectgarbage() end
  end
  return total
end

print("imported", import(250))

-- prints:
--> imported	1125

-- raises here:
--> forced_collection.lua:11: attempt to call a nil value (collectgarbage is not there, and not needed: the engine collects in time)
