-- expect: timeout|failure|success
-- attacks: json.decode looks every 64 values; white space and digits are none
local s = string.rep(" ", 28 * 2 ^ 20)
local began = os.clock()
pcall(json.decode, s)
print(os.clock() - began)
