-- expect: success
-- attacks: ranges and destinations that leave the integers must be refused
assert(not pcall(table.move, {}, -2 ^ 31, 2 ^ 31 - 1, 1))
assert(not pcall(table.move, {}, 0, 2 ^ 31 - 1, 1))
assert(not pcall(table.move, { 1, 2 }, 1, 2, 2 ^ 31 - 1))
assert(not pcall(table.move, { 1 }, -1, 2 ^ 31 - 2, 5, {}))
assert(not pcall(table.move, { 1 }, 1, 1, 1, table.freeze({})))
