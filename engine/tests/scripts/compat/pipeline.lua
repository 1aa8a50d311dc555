-- lua: 5.1 | runs
-- uses: coroutines as producer, filter and consumer
local function producer(rows)
  return coroutine.create(function()
    for _, row in ipairs(rows) do coroutine.yield(row) end
    return nil
  end)
end

local function filter(source, accept)
  return coroutine.create(function()
    while true do
      local ok, row = coroutine.resume(source)
      if not ok or row == nil then return nil end
      if accept(row) then coroutine.yield(row) end
    end
  end)
end

local source = producer { { id = 1, age = 17 }, { id = 2, age = 44 }, { id = 3, age = 21 } }
local adults = filter(source, function(row) return row.age >= 18 end)
while true do
  local ok, row = coroutine.resume(adults)
  if not row then break end
  print(row.id, row.age, coroutine.status(adults))
end
print(coroutine.status(adults), coroutine.resume(adults))

-- prints:
--> 2	44	suspended
--> 3	21	suspended
--> dead	false	cannot resume dead coroutine
