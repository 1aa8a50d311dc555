-- lua: 5.4 | differs: integers beyond 2^53 lose their last digits
-- uses: 64-bit ids as numbers
-- instead: ids as strings, which is also how they come out of JSON here
local EPOCH = 1288834974657
local id = 1541815603606036481
local milliseconds = id // 4194304 + EPOCH
print("tweet " .. id)
print(os.date("!%Y-%m-%d %H:%M:%S", milliseconds // 1000), id % 4096)

-- prints:
--> tweet 1541815603606036481
--> 2022-06-28 16:07:40	1

-- prints here:
--> tweet 1541815603606036500
--> 2022-06-28 16:07:40	0
