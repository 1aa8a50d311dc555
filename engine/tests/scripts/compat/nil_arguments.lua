-- lua: 5.1 | runs
-- uses: select("#"), unpack with bounds, arguments that are nil
local function pack(...)
  return { n = select("#", ...), ... }
end

local function partial(f, ...)
  local first = pack(...)
  return function(...)
    local all = { unpack(first, 1, first.n) }
    for i = 1, select("#", ...) do
      all[first.n + i] = (select(i, ...))
    end
    return f(unpack(all, 1, first.n + select("#", ...)))
  end
end

local function describe(...)
  local args = pack(...)
  for i = 1, args.n do args[i] = tostring(args[i]) end
  return args.n .. ": " .. table.concat(args, " ", 1, args.n)
end

print(partial(describe, "a", nil)(nil, "d"))
print(partial(describe)(nil))
print(select(-1, "x", "y", "z"))

-- prints:
--> 4: a nil nil d
--> 1: nil
--> z
