-- expect: success
-- attacks: json.encode of tables with lying __len, __index, __iter and __tostring
for _, n in { 2 ^ 53, -1, 0 / 0, 1e9 } do
	pcall(json.encode, setmetatable({}, { __len = function() return n end, __index = function() return "x" end }))
end
pcall(json.encode, setmetatable({ 1 }, { __iter = error, __tostring = error, __index = error, __call = error }))
pcall(json.encode, json.array(setmetatable({}, { __len = function() return 1e9 end })))
