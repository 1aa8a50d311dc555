-- lua: 5.4 | runs
-- uses: coroutine.close, coroutine.isyieldable, yielding across pcall
local function worker(jobs)
  return coroutine.create(function()
    for _, job in ipairs(jobs) do
      local ok, problem = pcall(function()
        coroutine.yield("working on " .. job)
        if job == "bad" then error("failed: " .. job, 0) end
      end)
      if not ok then coroutine.yield(problem) end
    end
    return "done"
  end)
end

local first, second = worker { "a", "bad", "c" }, worker { "x" }
for _ = 1, 4 do print(coroutine.resume(first)) end
print(coroutine.resume(second))
print(coroutine.status(second), coroutine.close(second), coroutine.status(second))
print(coroutine.resume(second))
print(coroutine.isyieldable(), coroutine.wrap(function() return coroutine.isyieldable() end)())

-- prints:
--> true	working on a
--> true	working on bad
--> true	failed: bad
--> true	working on c
--> true	working on x
--> suspended	true	dead
--> false	cannot resume dead coroutine
--> false	true
