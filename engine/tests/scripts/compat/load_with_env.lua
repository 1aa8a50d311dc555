-- lua: 5.4 | refused: load
-- uses: load with an environment, for formulas that are kept as text
-- instead: functions in a table that the formulas name; code comes from the host only
local function evaluate(formula, values)
  local chunk = assert(load("return " .. formula, "formula", "t", values))
  return chunk()
end

local formulas = { gross = "net + net * vat // 100", vat = "net * vat // 100" }
for _, name in ipairs { "gross", "vat" } do
  print(name, evaluate(formulas[name], { net = 1000, vat = 19 }))
end

-- prints:
--> gross	1190
--> vat	190

-- raises here:
--> load_with_env.lua:5: attempt to call a nil value (load is not there: no code is made at run time; keep functions in a table)
