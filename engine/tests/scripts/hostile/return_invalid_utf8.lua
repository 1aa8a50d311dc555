-- expect: success
-- attacks: a returned string and key of invalid UTF-8 and NULs
return { ["\xff\0"] = "\xed\xa0\x80\0\xff" }
