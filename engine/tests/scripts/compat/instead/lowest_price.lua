local offers = { { shop = "a", cents = 1290 }, { shop = "b", cents = 1190 }, { shop = "c", cents = 1350 } }
local best, lowest = nil, math.huge
for _, offer in ipairs(offers) do
  if offer.cents < lowest then
    best, lowest = offer, offer.cents
  end
end
print(best.shop, lowest)
