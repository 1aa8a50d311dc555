-- lua: 5.1 | runs
-- uses: string.gmatch, counting in a table, table.sort with two keys
local text = [[
The moon is the only natural satellite of the Earth.
The Moon orbits the Earth; the earth orbits the sun.
]]
local counts, words = {}, {}
for word in text:lower():gmatch("%a+") do
  if not counts[word] then
    counts[word] = 0
    words[#words + 1] = word
  end
  counts[word] = counts[word] + 1
end
table.sort(words, function(a, b)
  if counts[a] ~= counts[b] then return counts[a] > counts[b] end
  return a < b
end)
for i = 1, 5 do
  print(("%-8s %3d %s"):format(words[i], counts[words[i]], ("#"):rep(counts[words[i]])))
end

-- prints:
--> the        7 #######
--> earth      3 ###
--> moon       2 ##
--> orbits     2 ##
--> is         1 #
