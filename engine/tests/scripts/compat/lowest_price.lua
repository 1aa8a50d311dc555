-- lua: 5.4 | refused: math.maxinteger
-- uses: math.maxinteger as the start of a minimum
-- instead: math.huge
local offers = { { shop = "a", cents = 1290 }, { shop = "b", cents = 1190 }, { shop = "c", cents = 1350 } }
local best, lowest = nil, math.maxinteger
for _, offer in ipairs(offers) do
  if offer.cents < lowest then
    best, lowest = offer, offer.cents
  end
end
print(best.shop, lowest)

-- prints:
--> b	1190

-- raises here:
--> lowest_price.lua:7: attempt to compare number < nil
