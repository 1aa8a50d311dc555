-- expect: success|failure|memory_limit|timeout
-- attacks: json.encode of a 10 MB string of control characters
return #json.encode(string.rep("\1", 1e7)) > 0
