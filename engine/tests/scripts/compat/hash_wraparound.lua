-- lua: 5.4 | differs: integers do not wrap at 64 bits; beyond 2^53 they are rounded
-- uses: a string hash that multiplies until it overflows
-- instead: keep it below 2^32 at each step with %, so that products stay below 2^53
local function hash(text)
  local h = 5381
  for i = 1, #text do
    h = h * 33 + text:byte(i)
  end
  return h
end

print(hash("moon"))
print(hash("a key that is long enough to overflow"))

-- prints:
--> 6385482686
--> 7274556028363438953

-- prints here:
--> 6385482686
--> 8.243631224462878e+59
