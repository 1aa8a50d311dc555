-- lua: 5.1 | runs
-- uses: validators as closures, patterns for trimming and addresses, error lists
local function trim(text) return text:match("^%s*(.-)%s*$") end
local function required(text) return text ~= "" or "is required" end
local function between(least, most)
  return function(text)
    local number = tonumber(text)
    return number ~= nil and number >= least and number <= most or "must be from " .. least .. " to " .. most
  end
end
local function email(text)
  return text:find("^[%w%.%+%-_]+@[%w%-]+%.[%w%.%-]+$") ~= nil or "is not an address"
end

local form = { { "name", required }, { "email", required, email }, { "age", between(18, 120) } }
local function validate(input)
  local problems = {}
  for _, field in ipairs(form) do
    local text = trim(input[field[1]] or "")
    for i = 2, #field do
      local verdict = field[i](text)
      if verdict ~= true then
        problems[#problems + 1] = field[1] .. " " .. verdict
        break
      end
    end
  end
  return #problems == 0, table.concat(problems, "; ")
end

print(validate { name = " Zoe ", email = "zoe+moon@example.co.uk", age = "31" })
print(validate { name = "  ", email = "zoe@", age = "17.5" })

-- prints:
--> true	
--> false	name is required; email is not an address; age must be from 18 to 120
