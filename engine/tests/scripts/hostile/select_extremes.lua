-- expect: success
-- attacks: select with zero, negative, huge and odd indexes
for _, n in { 0, -4, -2 ^ 31, -2 ^ 53, -math.huge, 0 / 0 } do assert(n ~= n or not pcall(select, n, 1, 2, 3)) end
for _, n in { 4, 2 ^ 31 - 1, "##", "#x" } do pcall(select, n, 1, 2, 3) end
for _, n in { {}, true, "x", "" } do assert(not pcall(select, n, 1, 2, 3)) end
assert(select("#") == 0 and select(-1, 1, 2, 3) == 3)
