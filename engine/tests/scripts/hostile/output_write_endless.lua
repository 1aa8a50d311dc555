-- expect: timeout
-- attacks: every way of writing, for ever
while true do
	io.write("a", 1, "b") io.stdout:write("c") io.stderr:write("d") warn("e")
end
