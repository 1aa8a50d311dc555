-- lua: 5.1 | refused: unbounded tail calls; each call takes stack, up to about 20,000
-- uses: a state machine whose states call each other last
-- instead: a loop over a table of states
local input, at, words = ("word "):rep(50000), 0, 0
local between, inside

function between()
  at = at + 1
  local char = input:sub(at, at)
  if char == "" then return words end
  if char == " " then return between() end
  words = words + 1
  return inside()
end

function inside()
  at = at + 1
  local char = input:sub(at, at)
  if char == " " or char == "" then return between() end
  return inside()
end

print(between())

-- prints:
--> 50000

-- raises here:
--> tail_calls.lua:18: stack overflow
