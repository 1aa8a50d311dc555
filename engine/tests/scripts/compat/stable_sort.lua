-- lua: 5.1 | runs
-- uses: table.sort on several keys, ties kept in order by index
local people = {
  { name = "zoe", team = "red", age = 31 },
  { name = "max", team = "blue", age = 25 },
  { name = "ada", team = "red", age = 25 },
  { name = "eve", team = "blue", age = 25 },
}
local function sort_by(list, ...)
  local keys = { ... }
  for i, item in ipairs(list) do item.index = i end
  table.sort(list, function(a, b)
    for _, key in ipairs(keys) do
      if a[key] ~= b[key] then return a[key] < b[key] end
    end
    return a.index < b.index
  end)
  return list
end

for _, person in ipairs(sort_by(people, "age", "team")) do
  print(person.age, person.team, person.name)
end

-- prints:
--> 25	blue	max
--> 25	blue	eve
--> 25	red	ada
--> 31	red	zoe
