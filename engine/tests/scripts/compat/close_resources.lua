-- lua: 5.4 | refused: <close>
-- uses: locals that are closed at the end of their block, errors too
-- instead: a function that takes what to do, and closes after pcall
local function open(name)
  print("open", name)
  return setmetatable({ name = name }, {
    __close = function(self, problem) print("close", self.name, problem) end,
  })
end

local function transfer(fails)
  local source <close> = open("source")
  local target <close> = open("target")
  if fails then error("disk full", 0) end
  return "copied " .. source.name .. " to " .. target.name
end

print(transfer(false))
print(pcall(transfer, true))

-- prints:
--> open	source
--> open	target
--> close	target	nil
--> close	source	nil
--> copied source to target
--> open	source
--> open	target
--> close	target	disk full
--> close	source	disk full
--> false	disk full

-- raises here:
--> close_resources.lua:12: Expected identifier when parsing expression, got '<' (Luau has no <close>: call a function that closes, after pcall)
