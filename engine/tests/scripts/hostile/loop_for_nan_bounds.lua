-- expect: success
-- attacks: NaN and infinite bounds and steps in numeric for must simply not run or be left
local nan = 0 / 0
for i = nan, 1 do error("ran") end
for i = 1, nan do error("ran") end
for i = 1, -math.huge do error("ran") end
for i = -math.huge, -math.huge, 1 do break end
for i = math.huge, 1, -1 do break end
