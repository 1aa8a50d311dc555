-- expect: failure
-- attacks: raising a function
error(function() end)
