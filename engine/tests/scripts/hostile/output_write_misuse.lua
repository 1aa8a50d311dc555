-- expect: success
-- attacks: write methods with wrong receivers and values
pcall(io.write, {}) pcall(io.write, nil) pcall(io.write, print) pcall(io.write)
pcall(io.stdout.write, "no self") pcall(io.stdout.write, {}, "x") pcall(io.stdout.write) pcall(io.stderr.write, io.stdout, "x")
pcall(warn) pcall(warn, {}) pcall(warn, nil) pcall(warn, string.rep("w", 1e6))
