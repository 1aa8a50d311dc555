-- lua: 5.4 | refused: goto
-- uses: goto out of nested loops, and back to retry
-- instead: a function that returns
local seats = { { 1, 1, 1 }, { 1, 0, 1 }, { 0, 0, 1 } }
local tries = 0
::again::
tries = tries + 1
for row, line in ipairs(seats) do
  for seat, taken in ipairs(line) do
    if taken == 0 then
      line[seat] = 1
      print("booked", row, seat)
      goto found
    end
  end
end
::found::
if tries < 3 then goto again end
print("tries", tries)

-- prints:
--> booked	2	2
--> booked	3	1
--> booked	3	2
--> tries	3

-- raises here:
--> goto_out_of_loops.lua:6: Expected identifier when parsing expression, got '::' (Luau has no labels and no goto: use continue, break or a function)
