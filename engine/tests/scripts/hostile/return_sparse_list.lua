-- expect: success
-- attacks: a returned list with one item at the end of the integers
return { [1] = "a", [2147483647] = "z" }
