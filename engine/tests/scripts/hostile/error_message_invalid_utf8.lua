-- expect: failure
-- attacks: raising a message of NULs and invalid UTF-8
error("\0\255\254\xed\xa0\x80\0" .. string.rep("\x80", 1000))
