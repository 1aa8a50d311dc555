-- lua: 5.1 | refused: math.mod and string.gfind, which Lua 5.1 kept from Lua 5.0
-- uses: names that were old in 5.1 already
-- instead: % or math.fmod, string.gmatch
local total = 0
for number in string.gfind("12 7 30", "%d+") do
  total = total + math.mod(tonumber(number), 5)
end
print(total)

-- prints:
--> 4

-- raises here:
--> lua50_names.lua:5: attempt to call a nil value (string.gfind is not in Luau: use string.gmatch)
