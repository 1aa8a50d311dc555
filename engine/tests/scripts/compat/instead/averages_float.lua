local latencies = { 12, 18, 30 }
local sum = 0
for _, latency in ipairs(latencies) do sum = sum + latency end
print("mean", ("%.1f"):format(sum / #latencies))
print("share", ("%.1f"):format(3 / 1), ("half %.1f"):format(10 / 2))
