-- expect: timeout
-- attacks: an endless loop hidden in short-circuit conditions of C calls
local t = {}
while not rawget(t, "done") or next(t) == nil do end
