-- lua: 5.4 | refused: io.lines and io.read
-- uses: a script that reads its standard input
-- instead: POST, the request's body
local count, bytes = 0, 0
for line in io.lines() do
  count = count + 1
  bytes = bytes + #line
end
print(count, bytes, io.read("a"))

-- prints:
--> 0	0	

-- raises here:
--> read_input.lua:5: attempt to call a nil value (io.lines is not there: the request's body is in POST)
