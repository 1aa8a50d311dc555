-- lua: 5.4 | differs: other numbers for a seed; they repeat all the same
-- uses: math.randomseed with a number, a Fisher-Yates shuffle
-- instead: a generator of one's own where the numbers must be the same everywhere
math.randomseed(42)
local winners = { "ada", "eve", "max", "zoe", "kim", "bob" }
for i = #winners, 2, -1 do
  local j = math.random(i)
  winners[i], winners[j] = winners[j], winners[i]
end
print(table.concat(winners, " "))

-- prints:
--> ada max kim zoe eve bob

-- prints here:
--> bob zoe kim ada eve max
