-- lua: 5.4 | differs: what is read as a float prints without .0: 1e2 is 100
-- uses: tonumber on text in several notations
-- instead: string.format("%.1f", n) where the .0 matters
for _, text in ipairs { "42", " 0x1F ", "1e2", "-7.50", "3.0", "12abc", "" } do
  print(("%q"):format(text), tonumber(text))
end
print(tonumber("ff", 16), tonumber("777", 8), tonumber("z", 36), tonumber("8", 8))
print("10" * 2, "3" + 0.5, 10 .. "")

-- prints:
--> "42"	42
--> " 0x1F "	31
--> "1e2"	100.0
--> "-7.50"	-7.5
--> "3.0"	3.0
--> "12abc"	nil
--> ""	nil
--> 255	511	35	nil
--> 20	3.5	10

-- prints here:
--> "42"	42
--> " 0x1F "	31
--> "1e2"	100
--> "-7.50"	-7.5
--> "3.0"	3
--> "12abc"	nil
--> ""	nil
--> 255	511	35	nil
--> 20	3.5	10
