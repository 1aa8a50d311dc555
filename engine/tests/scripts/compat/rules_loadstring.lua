-- lua: 5.1 | refused: loadstring
-- uses: rules that are kept as text and compiled at run time
-- instead: functions in a table that the rules name; code comes from the host only
local rules = {
  { name = "bulk", test = "order.count >= 10" },
  { name = "vip", test = "order.customer == 'zoe'" },
}
local order = { count = 12, customer = "max" }
for _, rule in ipairs(rules) do
  local test = assert(loadstring("local order = ... return " .. rule.test))
  print(rule.name, test(order))
end

-- prints:
--> bulk	true
--> vip	false

-- raises here:
--> rules_loadstring.lua:10: attempt to call a nil value (loadstring is not there: no code is made at run time; keep functions in a table)
