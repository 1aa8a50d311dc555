-- expect: success
-- attacks: stack growth in the middle of a yield over pcall with open upvalues
local function body(n)
	local a, b, c = n, n + 1, n + 2
	local function up() a += 1 b += 1 c += 1 return a + b + c end
	pcall(function() coroutine.yield(table.unpack(table.create(100 * n, 1))) end)
	return if n < 50 then up() + body(n + 1) else up()
end
local co = coroutine.create(body)
coroutine.resume(co, 1)
while coroutine.status(co) ~= "dead" do coroutine.resume(co, table.unpack(table.create(1000, 1))) end
