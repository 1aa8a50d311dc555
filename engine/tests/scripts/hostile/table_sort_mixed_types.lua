-- expect: success
-- attacks: sorting what cannot be compared
assert(not pcall(table.sort, { 1, "x", {}, true, print }))
assert(not pcall(table.sort, { 1, 2, nil, 4, 5, [9] = 1 }, function(a, b) return a < b end) or true)
pcall(table.sort, { 0 / 0, 1, 0 / 0, 2, 0 / 0, 3, 0 / 0 })
assert(not pcall(table.sort, { 1, 2 }, "not a function"))
