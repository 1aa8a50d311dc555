-- expect: success
local M = 32 * 2 ^ 20
local kept, live = {}, 0
for _, size in { 1030, 2060, 4000, 8000, 64000 } do
    local fill = {}
    local n = (M * 0.88 - live) // (size + 80)
    for i = 1, n do fill[i] = buffer.create(size) end
    for i = 1, n, 8 do kept[#kept + 1] = fill[i] live += size + 80 end
end
