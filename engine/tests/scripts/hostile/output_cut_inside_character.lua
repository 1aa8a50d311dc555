-- expect: success
-- attacks: the output cap falls inside of multi-byte characters
io.write("x")
for i = 1, 200 do io.write(string.rep("\u{1F600}", 1000)) end
