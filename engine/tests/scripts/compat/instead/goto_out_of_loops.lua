local seats = { { 1, 1, 1 }, { 1, 0, 1 }, { 0, 0, 1 } }
local function book()
  for row, line in ipairs(seats) do
    for seat, taken in ipairs(line) do
      if taken == 0 then
        line[seat] = 1
        return row, seat
      end
    end
  end
end

local tries = 0
repeat
  tries = tries + 1
  print("booked", book())
until tries == 3
print("tries", tries)
