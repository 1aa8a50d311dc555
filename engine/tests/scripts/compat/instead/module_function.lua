local prices = { _NAME = "prices" }

function prices.gross(net)
  return net * 119 / 100
end

function prices.label(net)
  return string.format("%.2f EUR", prices.gross(net))
end

print(prices._NAME, prices.label(100))
