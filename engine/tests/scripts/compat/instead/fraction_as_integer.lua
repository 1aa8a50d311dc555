local function cents(amount)
  local cents = amount * 100
  return if cents % 1 == 0 then string.format("%d", cents) else "not whole cents"
end

for _, amount in ipairs { 12.5, 0.75, 1.005 } do
  print(amount, cents(amount))
end
