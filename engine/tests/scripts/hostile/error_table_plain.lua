-- expect: failure
-- attacks: raising a table that is no message
error({ 1, 2, 3 })
