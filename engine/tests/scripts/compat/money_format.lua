-- lua: 5.1 | runs
-- uses: string.format("%.2f"), thousands separators with a gsub loop, reverse
local function group(text, separator)
  local count
  repeat
    text, count = text:gsub("^(%-?%d+)(%d%d%d)", "%1" .. separator .. "%2")
  until count == 0
  return text
end

local function money(amount, currency)
  local whole, cents = string.format("%.2f", amount):match("^(.-)%.(%d%d)$")
  return group(whole, ",") .. "." .. cents .. " " .. (currency or "EUR")
end

for _, amount in ipairs { 0, 5.5, 1234.567, -9876543.2, 999999.995 } do
  print(money(amount))
end
print(money(1e6, "USD"), ("0123456"):reverse():gsub("(%d%d%d)", "%1."):reverse())

-- prints:
--> 0.00 EUR
--> 5.50 EUR
--> 1,234.57 EUR
--> -9,876,543.20 EUR
--> 999,999.99 EUR
--> 1,000,000.00 USD	0.123.456
