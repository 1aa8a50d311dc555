-- expect: timeout
-- attacks: json.decode of numbers of megabytes, between whose digits nothing looks
local text = "0." .. string.rep("1", 4e6)
while true do json.decode(text) end
