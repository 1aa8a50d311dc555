-- expect: failure
-- attacks: a script's own error that reads like a timeout
error("timeout", 0)
