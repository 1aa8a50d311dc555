-- lua: 5.1 | runs
-- uses: reshaping flat rows into nested tables, paths, recursion
local rows = {
  { path = "shop.name", value = "Moon" },
  { path = "shop.address.city", value = "Tycho" },
  { path = "shop.tags.1", value = "new" },
  { path = "shop.tags.2", value = "open" },
}
local tree = {}
for _, row in ipairs(rows) do
  local node, last = tree, nil
  for key in row.path:gmatch("[^.]+") do
    if last then
      node[last] = node[last] or {}
      node = node[last]
    end
    last = tonumber(key) or key
  end
  node[last] = row.value
end

local function flatten(node, prefix, into)
  for key, value in pairs(node) do
    local path = prefix and prefix .. "." .. key or tostring(key)
    if type(value) == "table" then flatten(value, path, into) else into[#into + 1] = path .. "=" .. value end
  end
  return into
end

print(tree.shop.address.city, #tree.shop.tags, tree.shop.tags[2])
local flat = flatten(tree, nil, {})
table.sort(flat)
print(table.concat(flat, " "))

-- prints:
--> Tycho	2	open
--> shop.address.city=Tycho shop.name=Moon shop.tags.1=new shop.tags.2=open
