-- lua: 5.4 | runs
-- uses: closures, varargs passed on, removing while iterating a copy
local function bus()
  local handlers = {}
  local self = {}
  function self.on(name, handler)
    handlers[name] = handlers[name] or {}
    table.insert(handlers[name], handler)
    return function()
      for i, known in ipairs(handlers[name]) do
        if known == handler then return table.remove(handlers[name], i) end
      end
    end
  end
  function self.emit(name, ...)
    local copy = table.move(handlers[name] or {}, 1, #(handlers[name] or {}), 1, {})
    for _, handler in ipairs(copy) do handler(...) end
    return #copy
  end
  return self
end

local events = bus()
local off = events.on("order", function(id, total) print("mail", id, total) end)
events.on("order", function(id, ...) print("stock", id, select("#", ...)) off() end)
print(events.emit("order", 7, 12.5))
print(events.emit("order", 8, nil), events.emit("refund"))

-- prints:
--> mail	7	12.5
--> stock	7	1
--> 2
--> stock	8	1
--> 1	0
