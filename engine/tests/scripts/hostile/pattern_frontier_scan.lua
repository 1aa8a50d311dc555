-- expect: timeout
-- attacks: frontier search under a lazy dot, quadratic
return string.find(string.rep("a", 2e5), ".-%f[b]")
