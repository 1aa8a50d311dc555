-- expect: timeout
-- attacks: long strings that are alike, compared in a metamethod that compares two objects with that metamethod
local common = string.rep('x', 6 * 2 ^ 20)
local a, b = common .. 'a', common .. 'b'
local p, q
local function lt()
  local x
x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b
x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b
x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b x=a<b
  return p < q
end
local shared = { __lt = lt }
p, q = setmetatable({}, shared), setmetatable({}, shared)
while true do pcall(function() return p < q end) end
