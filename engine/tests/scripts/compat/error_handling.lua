-- lua: 5.1 | runs
-- uses: pcall, error levels and tables, rethrowing, assert with a message
local function parse_age(text)
  local age = tonumber(text)
  if not age then error("age is not a number: " .. tostring(text), 2) end
  if age < 0 then error({ field = "age", reason = "negative" }) end
  return age
end

local function handle(text)
  local age = parse_age(text)
  return "ok " .. age
end

for _, text in ipairs { "42", "x", "-1" } do
  local ok, result = pcall(handle, text)
  if type(result) == "table" then result = result.field .. " is " .. result.reason end
  print(ok, result)
end
print(pcall(assert, nil, "no user"), select("#", pcall(error)))
local ok, message = pcall(function()
  local inner_ok, inner = pcall(error, "inner", 0)
  error("outer <- " .. inner, 0)
end)
print(ok, message)

-- prints:
--> true	ok 42
--> false	error_handling.lua:11: age is not a number: x
--> false	age is negative
--> false	2
--> false	outer <- inner
