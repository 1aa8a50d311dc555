local input, at, words = ("word "):rep(50000), 0, 0
local states = {}

function states.between(char)
  if char == "" then return nil end
  if char == " " then return "between" end
  words = words + 1
  return "inside"
end

function states.inside(char)
  if char == " " or char == "" then return "between" end
  return "inside"
end

local state = "between"
while state do
  at = at + 1
  state = states[state](input:sub(at, at))
end
print(words)
