-- lua: 5.4 | differs: __gc is never called
-- uses: an object that reports when it is collected
-- instead: an explicit close
local function counter(name)
  return setmetatable({ n = 0 }, { __gc = function(self) print(name, "counted", self.n) end })
end

local requests = counter("requests")
for _ = 1, 3 do requests.n = requests.n + 1 end
print("end of the script")

-- prints:
--> end of the script
--> requests	counted	3

-- prints here:
--> end of the script
