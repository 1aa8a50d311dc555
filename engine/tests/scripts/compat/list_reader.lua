-- lua: 5.4 | runs
-- uses: recursive descent with position captures, errors with a place
local function parse(text, at)
  local number, after = text:match("^%s*(%-?%d+%.?%d*)%s*()", at)
  if number then return tonumber(number), after end
  local quoted, after = text:match('^%s*"([^"]*)"%s*()', at)
  if quoted then return quoted, after end
  local list, after = {}, text:match("^%s*%[%s*()", at)
  if not after then error(("expected a value at %d"):format(at), 0) end
  at = after
  while text:sub(at, at) ~= "]" do
    list[#list + 1], at = parse(text, at)
    local comma = text:match("^,()", at)
    if not comma and text:sub(at, at) ~= "]" then error(("expected ',' or ']' at %d"):format(at), 0) end
    at = comma or at
  end
  return list, text:match("^%]%s*()", at)
end

local order = parse('[4711, ["cable", -12.5, []], "a note"]', 1)
print(order[1] + 1, order[2][1], order[2][2], #order[2][3], order[3])
print(pcall(parse, "[1, 2", 1))
print(pcall(parse, "[1, oops]", 1))

-- prints:
--> 4712	cable	-12.5	0	a note
--> false	expected ',' or ']' at 6
--> false	expected a value at 4
