-- expect: memory_limit
-- attacks: a buffer of a gigabyte
return buffer.len(buffer.create(1e9))
