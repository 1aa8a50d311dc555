-- expect: timeout|failure
-- attacks: the same by the error value that the trace describes (fault::message -> encode::describe)
local big = table.create(1200000)
error(table.create(255, big))
