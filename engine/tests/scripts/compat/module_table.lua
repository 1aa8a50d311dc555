-- lua: 5.4 | runs
-- uses: a module as a table, local functions first, varargs passed through
local M = {}
local cache = {}

local function key(...)
  local parts = table.pack(...)
  for i = 1, parts.n do parts[i] = type(parts[i]) .. ":" .. tostring(parts[i]) end
  return table.concat(parts, ",", 1, parts.n)
end

function M.memoize(f)
  return function(...)
    local k = key(...)
    cache[k] = cache[k] or table.pack(f(...))
    return table.unpack(cache[k], 1, cache[k].n)
  end
end

local calls = 0
local split = M.memoize(function(text, separator)
  calls = calls + 1
  return text:match("^(.-)" .. separator .. "(.*)$")
end)
print(split("zoe@example.com", "@"))
print(split("zoe@example.com", "@"), calls)
print(split("no separator", "@"), calls, #"zoe@example.com")

-- prints:
--> zoe	example.com
--> zoe	1
--> nil	2	15
