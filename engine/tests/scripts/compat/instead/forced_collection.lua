local sizes = setmetatable({}, { __mode = "k" })
local function import(rows)
  local total = 0
  for i = 1, rows do
    local row = { text = ("x"):rep(i % 10) }
    sizes[row] = #row.text
    total = total + sizes[row]
  end
  return total
end

print("imported", import(250))
