-- expect: success
-- attacks: returning thousands of values at once
return table.unpack(table.create(7000, "v"))
