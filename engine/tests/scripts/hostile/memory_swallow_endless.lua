-- expect: timeout
-- attacks: running out of memory and catching it for ever
while true do
	pcall(string.rep, "x", 1e9)
end
