-- expect: success
-- attacks: NUL bytes in subject, pattern, class and replacement
assert(string.find("a\0b\0c", "\0c") == 4)
assert(string.gsub("\0\0\0", "[\0]", "\0\0") == string.rep("\0", 6))
assert(string.match("\0\1\2", "^[\0-\2]+$") == "\0\1\2")
assert(string.find("\0\0b", "%z%zb") == 1)
