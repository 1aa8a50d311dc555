-- expect: success
-- attacks: json.encode of tables with keys that are no strings
pcall(json.encode, { [{}] = 1 }) pcall(json.encode, { [1.5] = 1 }) pcall(json.encode, { [-1] = 1, [2 ^ 53] = 2 })
pcall(json.encode, { [1] = 1, x = 2 }) pcall(json.encode, { [1e9] = 1 }) pcall(json.encode, { [vector.zero] = 1, [true] = 2 })
pcall(json.encode, { ["\xff"] = "\xff" }) pcall(json.encode, { ["\0"] = "\0" })
