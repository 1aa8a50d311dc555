-- expect: success|memory_limit
-- A yield that is refused raises a text, for which there is no memory.
local y, pc = coroutine.yield, pcall
local keep, n = table.create(200000, false), 0
local function fill() while true do local t = {} n += 1 keep[n] = t end end
local function fill_small() while true do local t = buffer.create(0) n += 1 keep[n] = t end end
pc(fill_small) pc(fill) pc(fill) pc(fill)
pc(y) pc(y) pc(y)
