-- expect: timeout|success
-- attacks: plain search does not look; memmem takes 2 to 3 ns a byte for a needle of many a's with a b in the middle
local s = string.rep("a", 30 * 2 ^ 20)
local needle = string.rep("a", 2000) .. "b" .. string.rep("a", 2000)
for i = 1, 3 do
    local began = os.clock()
    string.find(s, needle, 1, true)
    print(os.clock() - began)
end
