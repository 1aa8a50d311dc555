-- expect: timeout
-- attacks: %b with the same mark twice, nested in a lazy scan
return string.find(string.rep("(", 3e5) .. string.rep(")", 2e5), ".-%b()$")
