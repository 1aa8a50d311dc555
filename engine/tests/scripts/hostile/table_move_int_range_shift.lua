-- expect: success|timeout
-- attacks: moving a whole integer range by one inside an empty table
pcall(table.move, {}, 1, 2 ^ 31 - 2, 2)
