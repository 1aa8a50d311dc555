-- How long each argument is, and whether it is UTF-8.
local seen = {}
for key, value in POST do seen[key] = { #value, utf8.len(value) ~= nil } end
return seen
