-- lua: 5.1 | runs
-- uses: words that are keywords in newer Luas as names: continue, goto, type, export
local continue, rounds = true, 0
while continue do
  rounds = rounds + 1
  continue = rounds < 3
end
local export = { type = "csv", ["goto"] = "next" }
local type = type(export)
local function typeof(value) return type .. "/" .. tostring(value.type) end
print(rounds, type, typeof(export), export["goto"])

-- prints:
--> 3	table	table/csv	next
