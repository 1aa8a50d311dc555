-- lua: 5.4 | differs: the result of / prints without .0
-- uses: a tokenizer, recursive descent, precedence
-- instead: string.format("%.1f", n) where the .0 matters
local function evaluate(source)
  local at, sum = 1, nil
  local function take(pattern)
    local token, after = source:match("^%s*(" .. pattern .. ")()", at)
    at = after or at
    return token
  end
  local function atom()
    if not take("%(") then return tonumber(take("%d+%.?%d*") or error("number expected at " .. at, 0)) end
    local value = sum()
    return take("%)") and value or error("')' expected at " .. at, 0)
  end
  local function product()
    local value = atom()
    for operator in take, "[*/]" do
      if operator == "*" then value = value * atom() else value = value / atom() end
    end
    return value
  end
  function sum()
    local value = product()
    for operator in take, "[+-]" do value = value + product() * (operator == "-" and -1 or 1) end
    return value
  end
  return sum()
end

print(evaluate("1 + 2 * 3"), evaluate("(1 + 2) * 3 - 4"), evaluate("10 / 4"), evaluate("2 * (8 / 2)"))
print(pcall(evaluate, "2 * x"))

-- prints:
--> 7	5	2.5	8.0
--> false	number expected at 4

-- prints here:
--> 7	5	2.5	8
--> false	number expected at 4
