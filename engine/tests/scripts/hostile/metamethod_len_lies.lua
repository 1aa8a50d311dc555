-- expect: success
-- attacks: __len returning huge, negative, NaN and non-number values
for _, v in { 2 ^ 53, -1, 0 / 0, math.huge, "10", {}, 1.5 } do
	local t = setmetatable({ 1, 2, 3 }, { __len = function() return v end })
	pcall(function() return #t end)
	pcall(table.unpack, t) pcall(table.insert, t, 4) pcall(table.remove, t) pcall(table.concat, t)
	pcall(table.sort, t) pcall(json.encode, t) pcall(ipairs, t) pcall(table.move, t, 1, 2, 3)
end
