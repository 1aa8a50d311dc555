-- expect: success|memory_limit
-- attacks: the memory limit counts Luau's pages: one live object keeps 16 KiB; live data is never over 12 of 32 MiB here
local M, kept = 32 * 2 ^ 20, {}
for _, size in { 100, 200, 300, 400, 500 } do
    local fill, n, every = {}, M * 0.35 // (size + 16), 16000 // (size + 16)
    for i = 1, n do fill[i] = buffer.create(size) end
    for i = 1, n, every do kept[#kept + 1] = fill[i] end
end
