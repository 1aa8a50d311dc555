-- lua: 5.4 | differs: the float 0.0 prints as 0
-- uses: floats that come from float literals, math.min
-- instead: string.format("%.1f", n)
local function bucket(capacity, per_second)
  local tokens, last = capacity, 0
  return function(now)
    tokens = math.min(capacity, tokens + (now - last) * per_second)
    last = now
    if tokens < 1 then return false, tokens end
    tokens = tokens - 1
    return true, tokens
  end
end

local take = bucket(2, 0.5)
for _, now in ipairs { 0, 1, 1, 2, 10 } do
  print(now, take(now))
end

-- prints:
--> 0	true	1
--> 1	true	0.5
--> 1	false	0.5
--> 2	true	0.0
--> 10	true	1

-- prints here:
--> 0	true	1
--> 1	true	0.5
--> 1	false	0.5
--> 2	true	0
--> 10	true	1
