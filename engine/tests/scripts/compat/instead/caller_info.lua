-- Two lines longer than it need be, so that the lines that it
-- prints are those of the original.

local function log(message)
  local script, line = debug.info(2, "sl")
  print(script .. ":" .. line .. ": " .. message)
end

log("started")
log("stopped")
