-- lua: 5.1 | runs
-- uses: methods that return self, varargs with select, string.format
local Query = {}
Query.__index = Query

function Query.from(name)
  return setmetatable({ name = name, conditions = {}, values = {} }, Query)
end

function Query:where(condition, ...)
  table.insert(self.conditions, "(" .. condition .. ")")
  for i = 1, select("#", ...) do
    self.values[#self.values + 1] = (select(i, ...))
  end
  return self
end

function Query:sql()
  local n = 0
  local where = table.concat(self.conditions, " AND "):gsub("%?", function()
    n = n + 1
    return "$" .. n
  end)
  return string.format("SELECT * FROM %s WHERE %s", self.name, where), unpack(self.values)
end

print(Query.from("orders"):where("total > ?", 100):where("state = ? OR state = ?", "new", "paid"):sql())

-- prints:
--> SELECT * FROM orders WHERE (total > $1) AND (state = $2 OR state = $3)	100	new	paid
