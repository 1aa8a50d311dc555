-- expect: timeout
-- attacks: hundred pcalls nested, each retrying its loop when the inner one was stopped
local function ladder(n)
	if n > 0 then pcall(ladder, n - 1) end
	while true do end
end
pcall(ladder, 100)
return "swallowed"
