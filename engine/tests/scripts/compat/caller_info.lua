-- lua: 5.1 | refused: debug.getinfo
-- uses: the line of the caller in a log
-- instead: debug.info(2, "l")
local function log(message)
  local info = debug.getinfo(2, "Sl")
  print(info.short_src:match("[^/]+$") .. ":" .. info.currentline .. ": " .. message)
end

log("started")
log("stopped")

-- prints:
--> caller_info.lua:9: started
--> caller_info.lua:10: stopped

-- raises here:
--> caller_info.lua:5: attempt to call a nil value (debug.getinfo is not in Luau: use debug.info(level, "sln"))
