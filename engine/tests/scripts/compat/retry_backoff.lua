-- lua: 5.4 | differs: ^ prints 2 where Lua 5.4 prints 2.0
-- uses: pcall in a loop, exponential waiting times
-- instead: string.format("%.1f", n)
local attempts = 0
local function flaky()
  attempts = attempts + 1
  if attempts < 4 then error("connection refused", 0) end
  return "connected"
end

local function retry(f, most)
  for attempt = 1, most do
    local ok, result = pcall(f)
    if ok then return result, attempt end
    print("attempt " .. attempt .. " failed: " .. result .. ", waiting " .. 2 ^ attempt .. " s")
  end
  error("gave up")
end

print(retry(flaky, 5))

-- prints:
--> attempt 1 failed: connection refused, waiting 2.0 s
--> attempt 2 failed: connection refused, waiting 4.0 s
--> attempt 3 failed: connection refused, waiting 8.0 s
--> connected	4

-- prints here:
--> attempt 1 failed: connection refused, waiting 2 s
--> attempt 2 failed: connection refused, waiting 4 s
--> attempt 3 failed: connection refused, waiting 8 s
--> connected	4
