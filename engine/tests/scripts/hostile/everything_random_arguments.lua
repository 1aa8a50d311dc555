-- expect: success|timeout
-- attacks: every function with three to five random arguments
local function value()
	local n = math.random(12)
	return if n == 1 then -1 elseif n == 2 then 2 ^ 31 - 1 elseif n == 3 then 0 / 0 elseif n == 4 then "abc" elseif n == 5 then { 1, 2, 3 }
		elseif n == 6 then type elseif n == 7 then buffer.create(8) elseif n == 8 then vector.one elseif n == 9 then 1
		elseif n == 10 then "%s" elseif n == 11 then coroutine.create(type) else nil
end
for _, lib in { string, table, math, coroutine, debug, os, bit32, buffer, utf8, vector, json } do
	for _, f in lib do
		if type(f) == "function" and f ~= coroutine.yield and f ~= table.move and f ~= string.rep then
			for i = 1, 20 do pcall(f, value(), value(), value()) pcall(f, value(), value(), value(), value(), value()) end
		end
	end
end
