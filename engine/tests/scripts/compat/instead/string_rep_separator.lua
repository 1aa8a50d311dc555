local function insert(name, columns)
  local places = table.create(#columns, "?")
  return ("INSERT INTO %s (%s) VALUES (%s)"):format(name, table.concat(columns, ", "), table.concat(places, ", "))
end

print(insert("orders", { "id", "customer", "total" }))
