-- expect: memory_limit
-- attacks: a table of fifty million slots
return #table.create(5e7, true)
