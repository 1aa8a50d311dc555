-- expect: failure
-- attacks: a function hidden deep in the returned value
return { a = { b = { c = { print } } } }
