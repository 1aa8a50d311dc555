-- lua: 5.4 | differs: a float that is whole prints without .0
-- uses: /, which makes a float in Lua 5.4
-- instead: string.format("%.1f", n), or // where a whole number is meant
local latencies = { 12, 18, 30 }
local sum = 0
for _, latency in ipairs(latencies) do sum = sum + latency end
print("mean", sum / #latencies)
print("share", 3 / 1, "half " .. 10 / 2)

-- prints:
--> mean	20.0
--> share	3.0	half 5.0

-- prints here:
--> mean	20
--> share	3	half 5
