-- lua: 5.1 | differs: whole numbers from 1e14 to 2^53 are printed with all digits, not as 1.7148116401235e+15
-- uses: time in microseconds as an id, concatenated
-- instead: string.format("%.14g", n); to have all digits everywhere, "%d"
local seconds, micros = 1714811640, 123456
local id = seconds * 1000000 + micros
print("req-" .. id)
print(string.format("req-%d", id), string.format("%.0f", 2 ^ 53))

-- prints:
--> req-1.7148116401235e+15
--> req-1714811640123456	9007199254740992

-- prints here:
--> req-1714811640123456
--> req-1714811640123456	9007199254740992
