-- lua: 5.4 | runs
-- uses: classes with super calls, __len, __idiv, __eq
local Stock = {}
Stock.__index = Stock
Stock.__len = function(self) return self.total end
Stock.__idiv = function(self, size) return self.total // size end
Stock.__eq = function(a, b) return a.total == b.total end

function Stock.new(class, total) return setmetatable({ total = total, log = {} }, class) end
function Stock:take(n)
  if n > self.total then return false, ("only %d left"):format(self.total) end
  self.total = self.total - n
  self.log[#self.log + 1] = -n
  return true
end

local Reserved = setmetatable({ __len = Stock.__len, __idiv = Stock.__idiv }, { __index = Stock })
Reserved.__index = Reserved
function Reserved:take(n)
  if n > 5 then return false, "at most 5 each" end
  return Stock.take(self, n)
end

local cables, mice = Stock:new(40), Reserved:new(8)
print(#cables, cables // 12, cables:take(10), #cables, cables == Stock:new(30))
print(mice:take(6))
print(mice:take(5))
print(mice:take(5))
print(#mice, #mice.log, mice.log[1])

-- prints:
--> 40	3	true	30	true
--> false	at most 5 each
--> true
--> false	only 3 left
--> 3	1	-5
