-- expect: success
-- attacks: a buffer too large, caught; the script goes on
assert(not pcall(buffer.create, 1e9))
return buffer.len(buffer.create(100))
