-- lua: 5.1 | runs
-- uses: a proxy with __index, __newindex and __metatable
local function read_only(settings)
  return setmetatable({}, {
    __index = settings,
    __newindex = function(_, key)
      error("setting '" .. key .. "' is read-only", 2)
    end,
    __metatable = "locked",
  })
end

local settings = read_only { retries = 3, host = "example.com" }
print(settings.retries, settings.host, settings.missing)
print(pcall(function() settings.retries = 5 end))
print(getmetatable(settings), pcall(setmetatable, settings, {}))
print(settings.retries, rawget(settings, "retries"), next(settings))

-- prints:
--> 3	example.com	nil
--> false	read_only.lua:15: setting 'retries' is read-only
--> locked	false	cannot change a protected metatable
--> 3	nil	nil
