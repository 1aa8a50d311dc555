-- lua: 5.4 | differs: the third argument of string.rep is ignored
-- uses: string.rep with a separator, for placeholders
-- instead: table.concat(table.create(n, "?"), ", ")
local function insert(name, columns)
  return ("INSERT INTO %s (%s) VALUES (%s)"):format(name, table.concat(columns, ", "), ("?"):rep(#columns, ", "))
end

print(insert("orders", { "id", "customer", "total" }))

-- prints:
--> INSERT INTO orders (id, customer, total) VALUES (?, ?, ?)

-- prints here:
--> INSERT INTO orders (id, customer, total) VALUES (???)
