-- lua: 5.1 | runs
-- uses: __add __sub __mul __eq __lt __le __unm __concat __tostring __call
local Money = {}
Money.__index = Money
setmetatable(Money, { __call = function(class, cents) return setmetatable({ cents = cents }, class) end })

function Money.__add(a, b) return Money(a.cents + b.cents) end
function Money.__sub(a, b) return Money(a.cents - b.cents) end
function Money.__mul(a, n) return Money(math.floor(a.cents * n + 0.5)) end
function Money.__unm(a) return Money(-a.cents) end
function Money.__eq(a, b) return a.cents == b.cents end
function Money.__lt(a, b) return a.cents < b.cents end
function Money.__le(a, b) return a.cents <= b.cents end
function Money.__tostring(a) return string.format("%.2f EUR", a.cents / 100) end
function Money.__concat(a, b) return tostring(a) .. tostring(b) end

local price, shipping = Money(1999), Money(495)
print(price + shipping, price * 1.19, -price, price - shipping)
print(price == Money(1999), price < shipping, price >= shipping, price > shipping)
print("total: " .. price + shipping .. " incl. shipping")

-- prints:
--> 24.94 EUR	23.79 EUR	-19.99 EUR	15.04 EUR
--> true	false	true	true
--> total: 24.94 EUR incl. shipping
