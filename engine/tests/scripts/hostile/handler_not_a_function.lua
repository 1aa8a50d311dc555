-- expect: success
-- attacks: xpcall with every wrong kind of handler
for _, bad in { 1, "x", true, {}, vector.create(1, 2, 3) } do
	pcall(xpcall, error, bad)
end
pcall(xpcall, error)
pcall(xpcall)
