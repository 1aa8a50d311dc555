-- expect: timeout
-- attacks: string.format of many values whose text takes long, each after one that is refused
local slow = setmetatable({}, { __tostring = function() return string.rep("x", 1e5) end })
local many = table.create(200, slow)
while true do
	pcall(string.format, string.rep("%*", 200) .. "%d", table.unpack(many))
end
