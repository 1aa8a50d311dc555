-- lua: 5.1 | runs
-- uses: grouping, averages with %.1f, __index that makes a default
local groups = setmetatable({}, {
  __index = function(self, key)
    local group = { count = 0, sum = 0 }
    rawset(self, key, group)
    return group
  end,
})
local orders = { { "DE", 20 }, { "FR", 35.5 }, { "DE", 40 }, { "AT", 5 }, { "FR", 4.5 } }
for _, order in ipairs(orders) do
  local group = groups[order[1]]
  group.count = group.count + 1
  group.sum = group.sum + order[2]
end
local names = {}
for name in pairs(groups) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  print(name, groups[name].count, string.format("%.1f", groups[name].sum / groups[name].count))
end
print(rawget(groups, "IT"))

-- prints:
--> AT	1	5.0
--> DE	2	30.0
--> FR	2	20.0
--> nil
