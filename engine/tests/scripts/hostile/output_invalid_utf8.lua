-- expect: success
-- attacks: NULs, invalid UTF-8, control codes and cut sequences in the output
print("\0\0\0", "\xff\xfe", "\xed\xa0\x80", "\27[2J\27[H", "\u{202E}", "\xe2\x82")
io.write("\xe2") io.write("\x82") io.write("\xac")
io.stderr:write("\0\xff\r\n\8\8\8")
warn("\xc0\x80")
