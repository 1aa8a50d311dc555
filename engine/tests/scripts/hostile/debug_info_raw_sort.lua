-- expect: failure
-- attacks: debug.info in a comparator finds Luau's own sort, which our sort calls in a frame of its own; it never looks
local raw
table.sort({ 2, 1 }, function(a, b) raw = debug.info(2, "f") return a < b end)
local a = string.rep("x", 4 * 2 ^ 20)
local b, c, t = a .. "b", a .. "c", {}
for i = 1, 8000 do t[i] = if i % 2 == 0 then b else c end
if raw ~= table.sort then raw(t) end
while true do end
