-- lua: 5.1 | refused: the implicit table arg of a vararg function
-- uses: arg and arg.n, as Lua 5.0 had them
-- instead: ... with select, or table.pack(...), which has n
local function log(level, ...)
  local parts = {}
  for i = 1, arg.n do
    parts[i] = tostring(arg[i])
  end
  print(level:upper() .. ": " .. table.concat(parts, ", "))
end

log("info", "started", 8080, nil, true)
log("warn")

-- prints:
--> INFO: started, 8080, nil, true
--> WARN: 

-- raises here:
--> old_varargs.lua:6: attempt to index nil with 'n' (arg is not there: the request's parameters are in ARGS, those of a function in ...)
