-- lua: 5.4 | runs
-- uses: string.match, table.sort with a comparator, comparing of lists, select
local function parse(text)
  local major, minor, patch, pre = text:match("^v?(%d+)%.(%d+)%.(%d+)%-?(.*)$")
  assert(major, "not a version: " .. text)
  return { tonumber(major), tonumber(minor), tonumber(patch), pre = pre }
end

local function less(a, b)
  local x, y = parse(a), parse(b)
  for i = 1, 3 do
    if x[i] ~= y[i] then return x[i] < y[i] end
  end
  if x.pre == y.pre or x.pre == "" then return false end
  return y.pre == "" or x.pre < y.pre
end

local tags = { "v1.10.0", "1.2.10", "1.2.9", "2.0.0-rc.1", "2.0.0", "2.0.0-beta" }
table.sort(tags, less)
print(table.concat(tags, " < "))
print(select(2, pcall(less, "1.0.0", "latest")))

-- prints:
--> 1.2.9 < 1.2.10 < v1.10.0 < 2.0.0-beta < 2.0.0-rc.1 < 2.0.0
--> semver_sort.lua:5: not a version: latest
