-- expect: success
-- attacks: shadowing library names must not reach the next run
for _, name in { "print", "string", "table", "json", "pcall", "CONFIG", "META", "GET", "POST", "ARGS", "tostring", "io" } do
	pcall(function() _G[name] = function() return "shadowed" end end)
	pcall(rawset, _G, name, 5)
end
