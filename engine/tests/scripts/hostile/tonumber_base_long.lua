-- expect: failure
-- attacks: tonumber with a base
local digits = string.rep("1", 30 * 2 ^ 20)
local began = os.clock()
tonumber(digits, 2)
print(os.clock() - began)
