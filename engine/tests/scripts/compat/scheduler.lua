-- lua: 5.4 | runs
-- uses: a round robin of coroutines, messages in a queue
local tasks, mailbox = {}, {}
local function spawn(name, body)
  tasks[#tasks + 1] = { name = name, thread = coroutine.create(body) }
end
local function send(to, message) mailbox[to] = mailbox[to] or {} table.insert(mailbox[to], message) end
local function receive(name)
  while not (mailbox[name] and #mailbox[name] > 0) do coroutine.yield() end
  return table.remove(mailbox[name], 1)
end

spawn("billing", function()
  for _ = 1, 2 do print("billing got " .. receive("billing")) end
  send("mail", "receipt")
end)
spawn("mail", function() print("mail got " .. receive("mail")) error("smtp down") end)
spawn("shop", function() for i = 1, 2 do send("billing", "order " .. i) coroutine.yield() end end)

while #tasks > 0 do
  for i = #tasks, 1, -1 do
    local ok, problem = coroutine.resume(tasks[i].thread)
    if not ok then print(tasks[i].name .. " died: " .. problem) end
    if coroutine.status(tasks[i].thread) == "dead" then table.remove(tasks, i) end
  end
end

-- prints:
--> billing got order 1
--> billing got order 2
--> mail got receipt
--> mail died: scheduler.lua:17: smtp down
