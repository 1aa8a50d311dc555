local tests = {
  many = function(order) return order.count >= 10 end,
  from_zoe = function(order) return order.customer == "zoe" end,
}
local rules = {
  { name = "bulk", test = "many" },
  { name = "vip", test = "from_zoe" },
}
local order = { count = 12, customer = "max" }
for _, rule in ipairs(rules) do
  local test = assert(tests[rule.test], "no such test")
  print(rule.name, test(order))
end
