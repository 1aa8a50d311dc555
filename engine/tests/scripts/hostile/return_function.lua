-- expect: failure
-- attacks: returning a function
return function() end
