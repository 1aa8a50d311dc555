-- expect: timeout|success
-- attacks: a pattern or separator of 30 MiB: is_plain compares each byte with ten, Finder::new reads the separator
local needle = string.rep("a", 30 * 2 ^ 20)
local began = os.clock()
string.find("x", needle)
print(os.clock() - began)
began = os.clock()
string.split("x", needle)
print(os.clock() - began)
