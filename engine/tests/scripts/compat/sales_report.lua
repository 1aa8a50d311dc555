-- lua: 5.1 | runs
-- uses: string.format for columns, sums, string.rep
local sales = {
  { product = "Keyboard", count = 3, price = 129 },
  { product = "USB-C cable, 2 m", count = 12, price = 12.9 },
  { product = "Mouse", count = 1, price = 49.5 },
}
local total = 0
print(string.format("%-12.12s|%5s|%10s", "product", "count", "amount"))
print(string.rep("-", 12) .. "+" .. string.rep("-", 5) .. "+" .. string.rep("-", 10))
for _, sale in ipairs(sales) do
  local amount = sale.count * sale.price
  total = total + amount
  print(string.format("%-12.12s|%5d|%10.2f", sale.product, sale.count, amount))
end
print(string.format("%-18s|%+10.2f (%d%%, %x, %5.1e)", "total", total, 100, 255, total))

-- prints:
--> product     |count|    amount
--> ------------+-----+----------
--> Keyboard    |    3|    387.00
--> USB-C cable,|   12|    154.80
--> Mouse       |    1|     49.50
--> total             |   +591.30 (100%, ff, 5.9e+02)
