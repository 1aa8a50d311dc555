-- lua: 5.4 | refused: goto
-- uses: goto continue
-- instead: the statement continue
local total = 0
for _, line in ipairs { "# prices", "12", "", "oops", "30" } do
  if line == "" or line:sub(1, 1) == "#" then goto continue end
  local price = tonumber(line)
  if not price then
    print("skipped", line)
    goto continue
  end
  total = total + price
  ::continue::
end
print("total", total)

-- prints:
--> skipped	oops
--> total	42

-- raises here:
--> continue_with_goto.lua:6: Incomplete statement: expected assignment or a function call (Luau has no goto: use continue, break or a function)
