-- expect: timeout
-- attacks: json.encode looks every 256 entries, and one entry may be a walk over a table of 1.2 million empty slots
local big = table.create(1200000)
json.encode(table.create(255, big))
