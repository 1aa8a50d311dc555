-- expect: memory_limit; at 256: success|memory_limit|timeout
-- attacks: json.decode of one string with an escape: serde's copy of it is not counted (text + copy + result)
local M = 256 * 2 ^ 20
local b = buffer.create(M * 0.46)
buffer.fill(b, 0, 97)
buffer.writestring(b, 0, '"\\n')
buffer.writestring(b, buffer.len(b) - 1, '"')
local s = buffer.tostring(b)
b = nil
local v = json.decode(s)
