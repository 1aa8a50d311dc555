-- expect: failure
-- attacks: a string of control characters that grows sixfold as JSON
return string.rep("\1", 2e5)
