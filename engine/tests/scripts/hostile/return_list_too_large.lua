-- expect: failure
-- attacks: returning a list of 300 000 numbers
return table.create(3e5, 12345)
