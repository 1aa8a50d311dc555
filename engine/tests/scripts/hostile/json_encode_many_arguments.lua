-- expect: success
-- attacks: json functions with no, wrong and too many arguments
for _, f in { json.encode, json.decode, json.array } do
	pcall(f) pcall(f, nil, nil) pcall(f, print, print) pcall(f, 1, 2, 3, {}) pcall(f, json, json) pcall(f, json.null, json.null)
	pcall(f, table.unpack(table.create(5000, {})))
end
