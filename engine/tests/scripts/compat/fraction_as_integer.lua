-- lua: 5.4 | differs: %d cuts a fraction off instead of raising an error
-- uses: %d as a check that a number is whole
-- instead: n % 1 == 0
local function cents(amount)
  local ok, text = pcall(string.format, "%d", amount * 100)
  return ok and text or "not whole cents"
end

for _, amount in ipairs { 12.5, 0.75, 1.005 } do
  print(amount, cents(amount))
end

-- prints:
--> 12.5	1250
--> 0.75	75
--> 1.005	not whole cents

-- prints here:
--> 12.5	1250
--> 0.75	75
--> 1.005	100
