-- expect: failure
-- attacks: a returned table with tables and functions as keys
return { [{}] = 1, [print] = 2, [true] = 3 }
