local formulas = {
  gross = function(it) return it.net + it.net * it.vat // 100 end,
  vat = function(it) return it.net * it.vat // 100 end,
}
for _, name in ipairs { "gross", "vat" } do
  print(name, formulas[name]({ net = 1000, vat = 19 }))
end
