-- expect: memory_limit
-- attacks: an out-of-memory error caught and raised again by the script
local _, message = pcall(string.rep, "x", 1e9)
error(message, 0)
