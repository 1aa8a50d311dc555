-- lua: 5.1 | refused: module
-- uses: module(..., package.seeall)
-- instead: a local table; a module of the host's is reached with require
module("prices", package.seeall)

function gross(net)
  return net * 119 / 100
end

function label(net)
  return string.format("%.2f EUR", gross(net))
end

print(_M._NAME, prices.label(100))

-- prints:
--> prices	119.00 EUR

-- raises here:
--> module_function.lua:4: attempt to index nil with 'seeall' (package is not there: modules come from the host, with require)
