-- expect: success
-- attacks: thousands of distinct globals in one run
for i = 1, 5000 do _G["global" .. i] = i end
assert(global5000 == 5000)
