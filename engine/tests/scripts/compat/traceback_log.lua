-- lua: 5.1 | differs: the text of debug.traceback
-- uses: xpcall with debug.traceback as the handler
-- instead: nothing; log the text as it is, or leave the error uncaught: the trace has its traceback
local function charge(amount)
  if amount <= 0 then error("amount must be positive") end
  return amount
end

local function checkout(cart)
  local charged = charge(cart.total)
  return charged
end

local ok, report = xpcall(function() return checkout({ total = 0 }) end, debug.traceback)
print(ok)
print(report)

-- prints:
--> false
--> traceback_log.lua:5: amount must be positive
--> stack traceback:
--> 	[C]: in function 'error'
--> 	traceback_log.lua:5: in function 'charge'
--> 	traceback_log.lua:10: in function <traceback_log.lua:9>
--> 	(tail call): ?
--> 	[C]: in function 'xpcall'
--> 	traceback_log.lua:14: in main chunk
--> 	[C]: ?

-- prints here:
--> false
--> traceback_log.lua:5: amount must be positive
--> [C]: in function 'error'
--> traceback_log.lua:5: in function 'charge'
--> traceback_log.lua:10: in function 'checkout'
--> traceback_log.lua:14: in a function
--> [C]: in function 'xpcall'
--> traceback_log.lua:14: in the main part
