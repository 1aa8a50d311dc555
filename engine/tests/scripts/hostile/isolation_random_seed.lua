-- expect: success
-- attacks: seeding the random numbers with extremes
for _, s in { 0, -1, 2 ^ 31, 2 ^ 53, math.huge, -math.huge, 0 / 0, 1.5 } do
	pcall(math.randomseed, s)
	assert(math.random() < 1)
end
