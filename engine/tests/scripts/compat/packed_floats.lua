-- lua: 5.4 | differs: a double that is whole prints as 3, not 3.0
-- uses: string.pack with doubles and signed integers
-- instead: string.format("%.1f", n) where the .0 matters
local packed = string.pack("<ddi4z", 21.5, 3, -2, "sensor-1")
local high, low, offset, name = string.unpack("<ddi4z", packed)
print(name, high, low, offset)

-- prints:
--> sensor-1	21.5	3.0	-2

-- prints here:
--> sensor-1	21.5	3	-2
