-- expect: timeout|success
-- attacks: json.encode does not look inside a string; one that is cut to pieces by invalid UTF-8 or quotes is slow
local s = string.rep("a\255", 2.6 * 2 ^ 20)
local began = os.clock()
json.encode(s)
print(os.clock() - began)
