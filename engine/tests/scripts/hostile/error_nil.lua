-- expect: failure
-- attacks: raising nil
error(nil)
