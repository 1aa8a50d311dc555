-- expect: failure
-- attacks: a script's own error that reads like the out-of-memory error
error("not enough memory", 0)
