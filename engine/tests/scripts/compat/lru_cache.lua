-- lua: 5.1 | runs
-- uses: a cache as a closure, counters of use, nil as a deletion
local function cache(capacity)
  local values, used, size, clock = {}, {}, 0, 0
  local function touch(key)
    clock = clock + 1
    used[key] = clock
  end
  local function evict()
    local oldest
    for key in pairs(values) do
      if not oldest or used[key] < used[oldest] then oldest = key end
    end
    values[oldest], used[oldest], size = nil, nil, size - 1
  end
  return function(key, load)
    if values[key] == nil then
      if size == capacity then evict() end
      values[key], size = load(key), size + 1
    end
    touch(key)
    return values[key]
  end
end

local get, loads = cache(2), {}
local function load(key) loads[#loads + 1] = key return key:upper() end
for key in ("a b a c a b"):gmatch("%a") do io.write(get(key, load), " ") end
print(table.concat(loads, ""))

-- prints:
--> A B A C A B abcb
