-- expect: memory_limit|timeout
-- attacks: os.date with a format of millions of items
return #os.date(string.rep("%c", 4e6), 0)
