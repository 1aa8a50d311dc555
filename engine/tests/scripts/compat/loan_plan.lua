-- lua: 5.1 | runs
-- uses: math.pow, math.log10, math.modf, math.fmod, number for loops with steps
local function rate(principal, yearly, months)
  local monthly = yearly / 12
  return principal * monthly / (1 - math.pow(1 + monthly, -months))
end

local principal, yearly = 10000, 0.06
local monthly = rate(principal, yearly, 12)
for month = 1, 12 do
  principal = principal + principal * yearly / 12 - monthly
  if math.fmod(month, 3) == 0 then
    print(string.format("month %2d: %9.2f left", month, math.abs(principal)))
  end
end
local whole, fraction = math.modf(monthly)
print(whole, string.format("%.2f", fraction), math.floor(math.log10(monthly)), math.max(1, 2.5), math.ceil(0.2))
for percent = 100, 0, -25 do io.write(percent, percent > 0 and " " or "\n") end

-- prints:
--> month  3:   7555.83 left
--> month  6:   5074.81 left
--> month  9:   2556.39 left
--> month 12:      0.00 left
--> 860	0.66	2	2.5	1
--> 100 75 50 25 0
