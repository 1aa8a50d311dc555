-- expect: success
-- attacks: nothing of other runs can be seen
assert(leaked_global == nil and hacked == nil)
assert(type(print) == "function" and type(string.rep) == "function" and type(json.encode) == "function")
leaked_global, hacked = 1, 2
