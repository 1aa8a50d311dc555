-- expect: failure
-- attacks: returning NaN
return 0 / 0
