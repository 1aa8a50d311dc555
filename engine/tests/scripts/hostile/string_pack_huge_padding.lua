-- expect: memory_limit|timeout
-- attacks: a fixed-size string field of a gigabyte
return #string.pack("c1000000000", "x")
