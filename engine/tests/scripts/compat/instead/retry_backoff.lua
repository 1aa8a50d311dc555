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
    print(("attempt %d failed: %s, waiting %.1f s"):format(attempt, result, 2 ^ attempt))
  end
  error("gave up")
end

print(retry(flaky, 5))
