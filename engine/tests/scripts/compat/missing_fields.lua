-- lua: 5.4 | differs: the texts of the VM's own errors
-- uses: catching a nil field, printing the message
-- instead: check before, with an error of your own; never match the text of the VM's
local function total(order)
  local sum = 0
  for _, line in ipairs(order.lines) do sum = sum + line.price * line.count end
  return sum
end

print(pcall(total, { lines = { { price = 2, count = 3 } } }))
print(pcall(total, { lines = { { price = 2 } } }))
print(pcall(total, {}))
print(pcall(function(user) return user.name .. user.surname end, { name = "zoe" }))

-- prints:
--> true	6
--> false	missing_fields.lua:6: attempt to perform arithmetic on a nil value (field 'count')
--> false	attempt to index a nil value
--> false	missing_fields.lua:13: attempt to concatenate a nil value (field 'surname')

-- prints here:
--> true	6
--> false	missing_fields.lua:6: attempt to perform arithmetic (mul) on number and nil
--> false	missing_fields.lua:6: invalid argument #1 to 'ipairs' (table expected, got nil)
--> false	missing_fields.lua:13: attempt to concatenate string with nil
