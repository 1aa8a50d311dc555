-- lua: 5.4 | differs: a loop over floats prints its whole numbers without .0
-- uses: numeric for with a fractional step
-- instead: a loop over integers, and string.format
for volume = 0.0, 1.0, 0.25 do
  io.write(volume, " ")
end
print()
for level = 3, 1, -1 do io.write(level, " ") end
print(1e3, 2 ^ 10, 100 // 1.0, 5 // 2)

-- prints:
--> 0 0.25 0.5 0.75 1 
--> 3 2 1 1000.0	1024.0	100.0	2

-- prints here:
--> 0 0.25 0.5 0.75 1 
--> 3 2 1 1000	1024	100	2
