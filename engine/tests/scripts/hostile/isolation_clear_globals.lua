-- expect: success
-- attacks: emptying _G
for k in next, _G do pcall(function() _G[k] = nil end) end
pcall(table.clear, _G)
