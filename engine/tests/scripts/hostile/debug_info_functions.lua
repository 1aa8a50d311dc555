-- expect: success
-- attacks: debug.info on every function in reach, and on non-functions
for _, lib in { string, table, math, coroutine, debug, os, bit32, buffer, utf8, vector, json, io } do
	for _, f in lib do pcall(debug.info, f, "slnaf") end
end
for _, v in { "x", true, {}, vector.zero, buffer.create(1) } do pcall(debug.info, v, "slnaf") end
pcall(debug.info) pcall(debug.info, 1) pcall(debug.info, print, 5) pcall(debug.info, nil, "s")
